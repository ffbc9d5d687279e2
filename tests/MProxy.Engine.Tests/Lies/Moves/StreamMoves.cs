namespace MProxy.Engine.Tests.Lies.Moves;

/// <summary>Lies about the stream itself, whatever it carries.</summary>
internal static class StreamMoves
{
    public static readonly LyingMove[] All =
    [
        new("writes byte by byte", async liar =>
        {
            var (identity, place) = liar.AnyClient();
            foreach (var value in RawFrame.Client(identity, "tcp", place, "drip"u8).Concat(RawFrame.Control("[5,\"ping\"]")).ToArray())
            {
                await liar.SendAsync(new[] { value });
            }
        }),
        new("lets its other tasks go first", async _ => await Task.Yield()),
        new("reads nothing more", liar =>
        {
            liar.StopListening();
            return Task.CompletedTask;
        }),
        new("reads nothing more and asks for answers", async liar =>
        {
            liar.StopListening();
            for (var i = 0; i < 10 && !liar.IsOver; i++)
            {
                await liar.SendAsync(Enumerable.Range(0, 1000).SelectMany(_ => RawFrame.Control("[5,\"open_sesame\"]")).ToArray());
            }
        }),
        new("says half a frame", liar =>
        {
            var (identity, place) = liar.AnyClient();
            var frame = RawFrame.Client(identity, "tcp", place, new byte[100]);
            return liar.SendAsync(frame.AsMemory(0, liar.Chance.Next(1, frame.Length)));
        }) { IsLast = true },
        new("ends its stream", liar =>
        {
            liar.End();
            return Task.CompletedTask;
        }) { IsLast = true },
        new("ends its stream in a frame", async liar =>
        {
            var frame = RawFrame.Control("[5,\"ping\"]");
            await liar.SendAsync(frame.AsMemory(0, liar.Chance.Next(1, frame.Length)));
            liar.End();
        }) { IsLast = true },
        new("resets", liar =>
        {
            liar.Reset();
            return Task.CompletedTask;
        }) { IsLast = true },
    ];
}
