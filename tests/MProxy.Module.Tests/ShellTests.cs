using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Xml.Linq;

namespace MProxy.Module.Tests;

/// <summary>The Shell as a program: its streams and exit codes.</summary>
[Collection("engine")]
public class ShellTests
{
    [Fact]
    public async Task Objects_go_out_formatted_and_without_colour_codes()
    {
        var (code, output, error) = await RunAsync(["-Command", "ConvertTo-MProxyFrame hi -Address 1.2.3.4 -Port 5 -Service tcp | ConvertFrom-MProxyStream"]);
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("IPv4,1.2.3.4,5", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', output);
    }

    [Fact]
    public async Task Errors_and_warnings_go_to_standard_error_and_the_script_goes_on()
    {
        var (code, output, error) = await RunAsync(["-Command", "Get-MProxySocketId 12; $WarningPreference = 'Continue'; $Host.UI.WriteWarningLine('careful'); 42"]);
        Assert.Equal(0, code);
        Assert.Equal("42", output.Trim());
        Assert.Contains("Get-MProxySocketId", error, StringComparison.Ordinal);
        Assert.Contains("WARNING: careful", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("exit 7", 7)]
    [InlineData("throw 'no'", 1)]
    [InlineData("1", 0)]
    public async Task The_exit_code_is_the_scripts(string script, int expected) =>
        Assert.Equal(expected, (await RunAsync(["-Command", script])).Code);

    [Fact]
    public async Task A_script_comes_from_standard_input() =>
        Assert.Equal("3", (await RunAsync([], "1 + 2")).Output.Trim());

    [Fact]
    public async Task A_file_gets_its_arguments()
    {
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():n}.ps1");
        await File.WriteAllTextAsync(path, "param($First, [switch] $Loud, $Named) \"$First $Loud $Named\"", TestContext.Current.CancellationToken);
        try
        {
            Assert.Equal("one True two", (await RunAsync(["-File", path, "one", "-Named", "two", "-Loud"])).Output.Trim());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task Wrong_arguments_are_told()
    {
        var (code, _, error) = await RunAsync(["-Nonsense"]);
        Assert.Equal(64, code);
        Assert.Contains("Usage:", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interrupt_stops_the_pipeline()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "A console interrupt cannot be sent to one process on Windows.");
        using var process = Start(["-Command", "'ready'; while ($true) { [Threading.Thread]::Sleep(10) }"]);
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        using var kill = Process.Start("kill", ["-INT", $"{process.Id}"]);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Equal(130, process.ExitCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_interrupt_lets_clients_of_a_relay_in_the_foreground_finish_and_a_second_one_cuts_them(bool twice)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "A console interrupt cannot be sent to one process on Windows.");
        var cancellation = TestContext.Current.CancellationToken;
        using var process = Start(["-Command", "Start-MProxyRelay -Listen tcp://127.0.0.1:0 -TcpPort 0 -Wait -DrainTimeout 3600 | ForEach-Object { \"$($_.Listen[0]) $($_.TcpPort[0])\" }"]);
        var opened = (await process.StandardOutput.ReadLineAsync(cancellation))!.Split(' ');
        using var device = Start(["-Command", $"$link = Connect-MProxyRelay {opened[0]}; $null = Receive-MProxyFrame $link -Timeout 0.01; 'ready'; $null = Receive-MProxyFrame $link -Count 1; 'came'; [void] [Console]::In.ReadLine()"]);
        Assert.Equal("ready", await device.StandardOutput.ReadLineAsync(cancellation));
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, int.Parse(opened[1], CultureInfo.InvariantCulture), cancellation);
        Assert.Equal("came", await device.StandardOutput.ReadLineAsync(cancellation));
        using var interrupt = Process.Start("kill", ["-INT", $"{process.Id}"]);

        // From now on no new client comes; the one that is there stays.
        var port = new IPEndPoint(IPAddress.Loopback, int.Parse(opened[1], CultureInfo.InvariantCulture));
        while (await IsOpenAsync(port))
        {
            await Task.Yield();
        }

        Assert.False(process.HasExited);
        if (twice)
        {
            using var again = Process.Start("kill", ["-INT", $"{process.Id}"]);
        }
        else
        {
            client.Client.Close(0);
            await device.StandardInput.WriteLineAsync();
        }

        await process.WaitForExitAsync(cancellation).WaitAsync(TimeSpan.FromSeconds(20), cancellation);
        Assert.Equal(130, process.ExitCode);
        device.StandardInput.Close();
        await device.WaitForExitAsync(cancellation).WaitAsync(TimeSpan.FromSeconds(20), cancellation);
    }

    [Fact]
    public async Task The_picture_of_the_readme_is_made_of_what_a_relay_and_a_tunnel_show()
    {
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():n}.svg");
        try
        {
            var (code, _, error) = await RunAsync(["-File", "docs/picture.ps1", "-Path", path]);
            Assert.Equal((0, ""), (code, error));
            var lines = XDocument.Load(path).Descendants("{http://www.w3.org/2000/svg}text").Select(text => text.Value).ToList();
            Assert.Contains("PS> Get-Job", lines);
            Assert.Single(lines, line => line.Contains("home         Tunnel    Connected", StringComparison.Ordinal));
            Assert.Equal(3, lines.Count(line => line.Contains(" ClientOpened ", StringComparison.Ordinal)));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static async Task<bool> IsOpenAsync(IPEndPoint port)
    {
        using var probe = new TcpClient();
        try
        {
            await probe.ConnectAsync(port);
            probe.Client.Close(0);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    internal static async Task<(int Code, string Output, string Error)> RunAsync(string[] arguments, string input = "")
    {
        using var process = Start(arguments);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(120), TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await error);
    }

    private static Process Start(string[] arguments) => Process.Start(new ProcessStartInfo(RepositoryFiles.Shell, arguments)
    {
        WorkingDirectory = RepositoryFiles.Root,
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;
}
