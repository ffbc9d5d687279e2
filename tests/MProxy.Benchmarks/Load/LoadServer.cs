using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MProxy.Benchmarks.Load;

/// <summary>
/// The service behind the tunnels. Threads that block are what costs least on its side, so that the tunnel is what is measured.
/// </summary>
internal sealed class LoadServer : IDisposable
{
    // Many may wait in accept, and each deals with a short client itself.
    private const int Acceptors = 8;
    private const int EchoLength = 64 << 10;

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentDictionary<Socket, bool> _held = [];
    private long _uploaded;
    private volatile Exception? _failure;

    public LoadServer()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(4096);
        for (var i = 0; i < Acceptors; i++)
        {
            LoadThread.Start(Accept);
        }
    }

    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndPoint!;

    /// <summary>Right bytes of all uploads so far.</summary>
    public long Uploaded => Interlocked.Read(ref _uploaded);

    /// <summary>Clients that hold their connection.</summary>
    public int Held => _held.Count;

    /// <exception cref="InvalidDataException">An upload brought wrong bytes.</exception>
    public void Check()
    {
        if (_failure is { } failure)
        {
            throw new InvalidDataException(failure.Message, failure);
        }
    }

    public void Dispose() => _listener.Dispose();

    private void Accept()
    {
        for (; ; )
        {
            Socket client;
            try
            {
                client = _listener.Accept();
            }
            catch (SocketException)
            {
                return;
            }
            catch (ObjectDisposedException)
            {
                return;
            }

            client.NoDelay = true;
            client.ReceiveTimeout = client.SendTimeout = LoadSocket.Timeout;
            Take(client);
        }
    }

    private void Take(Socket client)
    {
        Span<byte> command = stackalloc byte[1];
        if (LoadSocket.Receive(client, command) == 0)
        {
            client.Dispose();
            return;
        }

        switch ((LoadCommand)command[0])
        {
            case LoadCommand.Answer:
                Answer(client);
                break;
            case LoadCommand.Hold:
                _held.TryAdd(client, true);
                client.Send("!"u8);
                break;
            default:
                var wanted = (LoadCommand)command[0];
                LoadThread.Start(() => Serve(client, wanted));
                break;
        }
    }

    /// <summary>Closes what clients hold.</summary>
    public void Release()
    {
        foreach (var client in _held.Keys)
        {
            client.Dispose();
        }

        _held.Clear();
    }

    private static void Answer(Socket client)
    {
        using (client)
        {
            Span<byte> answer = stackalloc byte[1];
            try
            {
                client.Send(answer);
                client.Shutdown(SocketShutdown.Send);
                LoadSocket.Receive(client, answer);
            }
            catch (SocketException)
            {
                // The client counts what it got.
            }
        }
    }

    private void Serve(Socket client, LoadCommand command)
    {
        try
        {
            using (client)
            {
                switch (command)
                {
                    case LoadCommand.Echo:
                        Echo(client);
                        break;
                    case LoadCommand.Download:
                        LoadStream.Send(client, LoadSocket.ReceivePosition(client));
                        break;
                    default:
                        LoadStream.Receive(client, LoadSocket.ReceivePosition(client), count => Interlocked.Add(ref _uploaded, count));
                        break;
                }
            }
        }
        catch (InvalidDataException failure)
        {
            _failure = failure;
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            // The tunnel did not tell that its client is gone, and took nothing more, or brought nothing more, for long.
        }
    }

    private static void Echo(Socket client)
    {
        var buffer = new byte[EchoLength];
        try
        {
            for (int count; (count = LoadSocket.Receive(client, buffer)) > 0;)
            {
                client.Send(buffer.AsSpan(0, count));
            }
        }
        catch (SocketException)
        {
            // The client has what it wanted.
        }
    }
}
