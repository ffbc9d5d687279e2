using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MProxy.Engine;
using MProxy.Engine.Carriers;
using MProxy.Trials.Clients;

namespace MProxy.Trials.Roles;

/// <summary>The local service of all devices, on several ports, since one has but so many clients of one address. A wrong byte ends it.</summary>
internal static class ServiceRole
{
    public const string Name = "service";

    /// <summary>In place of the first argument: no end is to be believed, and each port has bytes of its own.</summary>
    public const string Apart = "apart";

    /// <param name="arguments">Whether an end in order is to be believed, and the ports, 0 for any.</param>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var isApart = arguments[0] == Apart;
        var endsAreTrue = !isApart && bool.Parse(arguments[0]);
        var ledger = new ResourceLedger();
        var tasks = new TaskSet(ledger);
        using var stopping = new CancellationTokenSource();
        var clients = 0;
        var listeners = arguments.Skip(1).Select(port => TcpSocket.Listen(new IPEndPoint(IPAddress.Loopback, int.Parse(port, CultureInfo.InvariantCulture)))).ToArray();
        foreach (var (index, listener) in listeners.Index())
        {
            var bytes = new KnownBytes(endsAreTrue, isApart ? (uint)index : 0);
            tasks.Run(() => TcpSocket.AcceptAllAsync(listener, socket => tasks.Run(() => ServeAsync(bytes, socket)), TimeProvider.System, stopping.Token));
        }

        return await Role.RunAsync(
            string.Join(' ', listeners.Select(listener => ((IPEndPoint)listener.LocalEndPoint!).Port)),
            () => Sample.Take([ledger], 0, Volatile.Read(ref clients)),
            _ => Task.FromResult(""),
            async () =>
            {
                await stopping.CancelAsync();
                Array.ForEach(listeners, listener => listener.Dispose());
                await tasks.WhenEmptyAsync();
            },
            () => [ledger]);

        async Task ServeAsync(KnownBytes bytes, Socket socket)
        {
            Interlocked.Increment(ref clients);
            using (socket)
            {
                try
                {
                    await bytes.ServeAsync(socket);
                }
                catch (SocketException)
                {
                    // Broken off, which is the client's to judge.
                }
                catch (WrongBytesException wrong)
                {
                    await Console.Error.WriteLineAsync(wrong.Message);
                    Environment.Exit(1);
                }
            }

            Interlocked.Decrement(ref clients);
        }
    }
}
