using System.Net;
using System.Net.Sockets;

namespace MProxy.Benchmarks.Load;

/// <summary>Streams that go one way at the same time until this is disposed of, every byte of them checked.</summary>
internal sealed class Transfers : IDisposable
{
    // Each begins at another place, so that bytes of one are no right bytes of another.
    private const long Distance = 10_007;

    private readonly List<Socket> _clients = [];
    private readonly List<Thread> _threads = [];
    private long _downloaded;
    private volatile Exception? _failure;

    /// <param name="entrance">Where clients connect.</param>
    /// <param name="streams">How many.</param>
    /// <param name="isUp">From the clients to the service; else the other way.</param>
    public Transfers(IPEndPoint entrance, int streams, bool isUp)
    {
        try
        {
            for (var i = 0; i < streams; i++)
            {
                Start(entrance, i * Distance, isUp);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Right bytes that came down so far.</summary>
    public long Downloaded => Interlocked.Read(ref _downloaded);

    /// <exception cref="InvalidDataException">A download brought wrong bytes.</exception>
    /// <exception cref="IOException">One brought none for too long.</exception>
    public void Check()
    {
        switch (_failure)
        {
            case null:
                return;
            case InvalidDataException failure:
                throw new InvalidDataException(failure.Message, failure);
            case var failure:
                throw new IOException(failure.Message, failure);
        }
    }

    /// <summary>Ends all, whatever is still on its way.</summary>
    public void Dispose()
    {
        _clients.ForEach(LoadSocket.Reset);
        _threads.ForEach(thread => thread.Join());
    }

    private void Start(IPEndPoint entrance, long position, bool isUp)
    {
        var client = LoadSocket.Connect(entrance, isUp ? LoadCommand.Upload : LoadCommand.Download, position);
        _clients.Add(client);
        _threads.Add(LoadThread.Start(() =>
        {
            try
            {
                if (isUp)
                {
                    LoadStream.Send(client, position);
                }
                else
                {
                    LoadStream.Receive(client, position, count => Interlocked.Add(ref _downloaded, count));
                }
            }
            catch (Exception failure) when (failure is InvalidDataException or SocketException)
            {
                _failure = failure;
            }
        }));
    }
}
