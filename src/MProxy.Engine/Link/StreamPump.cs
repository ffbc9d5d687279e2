using System.Diagnostics.CodeAnalysis;

namespace MProxy.Engine.Link;

/// <summary>Carries one client between the link and whatever takes it as a stream.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The stream is disposed of where it is used; before, it holds nothing.")]
internal sealed class StreamPump : ClientPump
{
    private readonly ClientStream _stream;

    public StreamPump(LinkConnection link, LinkClient client)
        : base(link, client) => _stream = new ClientStream(link, client, Inbox, Stopping);

    public override int Received(ReadOnlySpan<byte> data, bool isFrameEnd) => Keep(data) ? 0 : data.Length;

    /// <summary>What a stream is read for, such as TLS, may take long.</summary>
    public override bool IsQuick => false;

    /// <summary>Runs until both directions are over.</summary>
    /// <param name="serve">Reads and writes the client's stream, and ends it; cancelled when the client is over at once.</param>
    /// <returns>True where both ended in order.</returns>
    public async Task<bool> RunAsync(Func<ClientStream, CancellationToken, Task> serve)
    {
        try
        {
            await serve(_stream, Stopping).ConfigureAwait(false);
            return !Stopping.IsCancellationRequested;
        }
        catch (Exception error)
        {
            if (!TryFail(Link, Client, error))
            {
                throw;
            }

            return false;
        }
        finally
        {
            await _stream.DisposeAsync().ConfigureAwait(false);
            Inbox.Dispose();
        }
    }

    protected override void Complete(bool sent, bool inline) => _stream.Complete(sent, inline);
}
