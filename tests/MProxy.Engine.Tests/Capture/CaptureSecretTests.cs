using System.Text;
using CsCheck;
using MProxy.Engine.Capture;
using MProxy.Engine.Device;
using MProxy.Engine.Link;
using MProxy.Engine.Tests.Sessions;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Capture;

/// <summary>No token comes into a capture, whoever says it and however.</summary>
public sealed class CaptureSecretTests : IDisposable
{
    private const string Jwt = "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6InRlc3QtZGV2aWNlIn0.c2lnbmF0dXJlLW9mLXRlc3Q";
    private const string Opaque = "hunter2-opaque";

    private readonly CaptureFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Tokens_of_real_links_are_in_neither_file_of_either_end()
    {
        var port = FreePort.Take();
        string[] tokens;
        await using (var ofRelay = _folder.Open("relay"))
        {
            await using var ofDevice = _folder.Open("device");
            await using var world = new MemoryWorld(relay => relay with { TcpPort = [], Keys = [MemoryWorld.Key], GrantedPort = [port], Capture = ofRelay });
            tokens = [.. new[] { "a", "b", "c" }.Select(id => world.NewToken([], id)), world.NewToken([port], "d")];
            await using var link = await DeviceLink.ConnectAsync(world.Options([tokens[3]]) with { Capture = ofDevice }, world.Time, MemoryWorld.Token);
            Assert.True((await link.SendControlAsync("add_token", [tokens[0]], MemoryWorld.Token)).Success);
            Assert.True((await link.SendControlAsync("authz", [tokens[1]], MemoryWorld.Token)).Success);
            Assert.True((await link.SendControlAsync("check_token", [tokens[2]], MemoryWorld.Token)).Success);
            Assert.True((await link.SendControlAsync("delete_token", [tokens[1]], MemoryWorld.Token)).Success);
            Assert.False((await link.SendControlAsync("no_such", [tokens[0]], MemoryWorld.Token)).Success);
            Assert.False((await link.SendControlAsync(tokens[0], [], MemoryWorld.Token)).Success);
            Assert.True((await link.SendControlAsync("delete_token", ["*"], MemoryWorld.Token)).Success);
        }

        foreach (var token in tokens)
        {
            HoldsNone(token);
        }

        var content = _folder.Read("relay");
        Assert.Contains(content.Frames, frame => frame.Control is [long, "add_token", "<token>"]);
        Assert.Contains(content.Frames, frame => frame.Control is [long, "delete_token", "*"]);
        Assert.Contains(content.Frames, frame => frame.Control is [long, "grant", object?[] { Length: > 0 }]);
        Assert.True(content.Frames.Count(frame => frame.Control is [long, null]) >= 6);
    }

    [Fact]
    public async Task A_token_that_a_relay_hands_out_is_not_captured_and_neither_is_its_echo()
    {
        using var peer = new RawPeer();
        await using var world = new MemoryWorld();
        await using (var capture = _folder.Open("device"))
        {
            var connecting = DeviceLink.ConnectAsync(world.Options() with { Dialer = _ => Task.FromResult(peer.ToCarrier(world.Time)), Capture = capture }, world.Time, MemoryWorld.Token);
            await peer.GreetAsync();
            await using var link = await connecting;
            await peer.SayAsync($$"""[3,"access_token",{"jwt":"{{Opaque}}"}]""");
            await peer.SayAsync($"""[0,"your token {Opaque} is no good"]""");
            await peer.SayAsync("""[9,"ping"]""");
            while (await peer.ReadAsync() != "Control [-9,null]")
            {
            }
        }

        HoldsNone(Opaque);
        Assert.Contains(_folder.Read("device").Frames, frame => frame.Control is [0L, "your token <token> is no good"]);
    }

    [Theory]
    [InlineData("""[5,"add_token","T"]""")]
    [InlineData("""[5,"add_token",["T"]]""")]
    [InlineData("""[5,"add_token",{"T":"T"}]""")]
    [InlineData("""[5,"add_token",null,"T"]""")]
    [InlineData("""[5,"access_token","T"]""")]
    [InlineData("""[5,"access_token",{"jwt":"x","jwt":"T"}]""")]
    [InlineData("[5,\"check_token\",\"T\"")]
    [InlineData("""[5,"check_token",'T']""")]
    [InlineData("""[5,"check_token","T"],""")]
    [InlineData("""{"add_token":"T"}""")]
    [InlineData("""["add_token",5,"T"]""")]
    [InlineData("""[5,["add_token","T"]]""")]
    [InlineData("""[5.5,"add_token","T"]""")]
    [InlineData("""["T"]""")]
    [InlineData("\"T\"")]
    [InlineData("T")]
    [InlineData("""[5,"T","add_token"]""")]
    [InlineData("""[5,"ADD_TOKEN","T"]""")]
    [InlineData("""[5,"hello",["T"],["add_token","T"]]""")]
    [InlineData("""[5,"hello",{"T":1}]""")]
    [InlineData("""[5,"drain","T"]""")]
    [InlineData("""[5,"grant",[{"T":"T"}]]""")]
    [InlineData("""[-5,{"token":"T","T":1}]""")]
    [InlineData("""[-5,{"message":{"T":"T"},"code":["T"]}]""")]
    [InlineData("""[-5,null,"T"]""")]
    [InlineData("""[-5,["T"]]""")]
    [InlineData("""[-5,true,"T"]""")]
    public void No_place_in_a_control_message_shows_a_token_that_nobody_knows(string message)
    {
        var redacted = Redact(new ControlSecrets(), message.Replace("T", Opaque, StringComparison.Ordinal));
        Assert.DoesNotContain(Opaque, redacted, StringComparison.Ordinal);
        Assert.IsType<object?[]>(JsonText.TryParse(Encoding.UTF8.GetBytes(redacted), out var value) ? value : null);
    }

    [Theory]
    [InlineData("""[-5,"T is no good"]""", """[-5,"<token> is no good"]""")]
    [InlineData("""[-5,{"message":"T","code":"E_T"}]""", """[-5,{"message":"<token>","code":"E_<token>"}]""")]
    [InlineData("""[5,"grant",[["https","T"],["tcp","T",[1]]]]""", """[5,"grant",[["https","<token>"],["tcp","<token>",[1]]]]""")]
    public void Where_a_text_is_of_use_only_its_tokens_are_taken_out(string message, string expected)
    {
        var known = new ControlSecrets();
        known.Add(Opaque);
        Assert.Equal(expected, Redact(known, message.Replace("T", Opaque, StringComparison.Ordinal)));
        Assert.Equal(expected, Redact(new ControlSecrets(), message.Replace("T", Jwt, StringComparison.Ordinal)));
        Assert.Equal(expected.Replace("<token>", "text", StringComparison.Ordinal), Redact(known, message.Replace("T", "text", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("""[1,"hello",[1],["add_token","ping"]]""")]
    [InlineData("""[77,"ping"]""")]
    [InlineData("""[77,"drain"]""")]
    [InlineData("""[-77,null]""")]
    [InlineData("""[-77,{"message":"no","code":"E_INVALID_TOKEN"}]""")]
    [InlineData("""[2,"grant",[["https","a.example"],["tcp","127.0.0.1",[80,443]]]]""")]
    public void What_holds_no_secret_stays_as_it_is(string message) => Assert.Equal(message, Redact(new ControlSecrets(), message));

    [Fact]
    public void A_token_is_found_in_any_escape_and_behind_one_that_starts_like_it()
    {
        var secrets = new ControlSecrets();
        secrets.Add("hunter");
        secrets.Add("hunter-2");
        var escaped = string.Concat("hunter-2".Select(c => $"\\u{(int)c:x4}"));
        Assert.Equal("""[0,"a <token> b"]""", Redact(secrets, $"[0,\"a {escaped} b\"]"));
    }

    [Fact]
    public void Any_message_with_a_token_in_it_is_written_without()
    {
        // Values of any shape with the token as text, as part of a text, and as a key.
        var leaf = Gen.OneOf(Gen.Const(Jwt), Gen.Const($"x {Jwt}"), Gen.Const($"{Jwt}/x"), Gen.Const("add_token"), Gen.Const("hello"), Gen.Const("grant"), Gen.String).Select(text => (object?)text);
        var value = Gen.Recursive<object?>((depth, nested) => depth > 3 ? leaf : Gen.OneOf(
            leaf,
            Gen.Long.Select(number => (object?)number),
            nested.Array[0, 4].Select(items => (object?)items),
            Gen.Select(Gen.OneOf(Gen.Const(Jwt), Gen.Const("jwt"), Gen.Const("message")), nested).Select((key, item) => (object?)new Dictionary<string, object?> { [key] = item })));
        var first = Gen.OneOf(Gen.Long[-5, 5].Select(id => (object?)id), value);
        Gen.Select(first, value.Array[0, 4], Gen.Int[0, 40], Gen.Bool).Sample((id, rest, cut, whole) =>
        {
            var json = JsonText.Serialize(new[] { id }.Concat(rest).ToArray());
            var redacted = Redact(new ControlSecrets(), Encoding.UTF8.GetString(whole ? json : json[..^Math.Min(cut, json.Length)]));
            Assert.DoesNotContain(Jwt[..30], redacted, StringComparison.Ordinal);
        }, iter: 3000);
    }

    [Fact]
    public async Task Headers_and_long_messages_of_control_show_none_either()
    {
        await using (var capture = _folder.Open("file"))
        {
            await using var use = capture.Join(_ => { });
            var tap = capture.Tap("test");
            var header = Encoding.ASCII.GetBytes($"{Opaque},,,0,control,,");
            tap.Received([0xFE, (byte)header.Length, .. header]);
            tap.Received(FrameEncoder.Encode(FrameKind.Control, default, Encoding.ASCII.GetBytes($"[5,\"add_token\",\"{Opaque}\",\"{new string('x', 100_000)}\"]")));
        }

        HoldsNone(Opaque);
        Assert.Equal(["<unreadable>"], _folder.Read("file").Frames[^1].Control!);
    }

    private static string Redact(ControlSecrets secrets, string message) => Encoding.UTF8.GetString(secrets.Redact(Encoding.UTF8.GetBytes(message)));

    private void HoldsNone(string token)
    {
        foreach (var name in _folder.Files)
        {
            var bytes = File.ReadAllBytes(_folder[name]);
            foreach (var part in token.Split('.'))
            {
                Assert.Equal(-1, bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(part)));
            }
        }
    }
}
