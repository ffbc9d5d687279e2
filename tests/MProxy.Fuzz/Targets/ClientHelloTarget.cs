using MProxy.Engine.Routing;

namespace MProxy.Fuzz.Targets;

/// <summary>The reader of TLS hellos: drops change nothing, what is decided stays, and a name is one that may be granted.</summary>
internal static class ClientHelloTarget
{
    public static void Run(ReadOnlySpan<byte> input)
    {
        var whole = new ClientHello().Read(input);
        var cuts = FuzzTargets.CutsOf(input);
        var drops = new ClientHello();
        var last = drops.Read([]);
        for (var length = 0; length < input.Length;)
        {
            length += cuts.Next(1, Math.Min(input.Length - length, 32) + 1);
            var next = drops.Read(input[..length]);
            FuzzTargets.Require(last.Status == ClientHelloStatus.Incomplete || next == last, "What was decided is decided anew.");
            last = next;
        }

        FuzzTargets.Require(last == whole, "Drops change what is read.");
        FuzzTargets.Require(whole.Name is null || (whole.Status == ClientHelloStatus.Complete && ServerName.TryFold(whole.Name) == whole.Name), "A name is none.");
    }
}
