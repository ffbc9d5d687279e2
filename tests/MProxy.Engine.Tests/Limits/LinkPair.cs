using System.Collections.Concurrent;
using MProxy.Engine.Carriers;
using MProxy.Engine.Link;
using MProxy.Engine.Tests.Sessions;
using MProxy.Protocol;
using Nerdbank.Streams;

namespace MProxy.Engine.Tests.Limits;

/// <summary>Both ends of a link in memory, each with a host that counts how often it is told that a client is over.</summary>
internal sealed class LinkPair : IAsyncDisposable
{
    private readonly CancellationTokenSource _cut = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task[] _running;
    private int _port;

    /// <param name="opened">What the device does with a client.</param>
    public LinkPair(Action<LinkConnection, LinkClient> opened)
    {
        var (near, far) = FullDuplexStream.CreatePair();
        RelayHost = new Host((_, _) => Assert.Fail("A device brings no clients."));
        DeviceHost = new Host(opened);
        Relay = Connect(LinkRole.Relay, near, RelayHost);
        Device = Connect(LinkRole.Device, far, DeviceHost);
        _running = [Relay.RunAsync(_stopping.Token), Device.RunAsync(_stopping.Token)];
    }

    public LinkConnection Relay { get; }

    public LinkConnection Device { get; }

    public Host RelayHost { get; }

    public Host DeviceHost { get; }

    public ResourceLedger Ledger { get; } = new();

    /// <summary>Brings a client, whose end at the relay does this until it is over.</summary>
    public LinkClient Open(Func<ClientStream, CancellationToken, Task> serve) => Join((link, client) =>
    {
        var pump = new StreamPump(link, client);
        return (pump, () => pump.RunAsync(serve));
    });

    /// <summary>Brings a client with this end at the relay.</summary>
    public LinkClient Join(ClientJoin join)
    {
        var number = Interlocked.Increment(ref _port);
        var meta = new FrameMeta { Family = "IPv4", Address = $"10.0.{number >> 16}.1", Port = number & 0xffff, Service = "tcp", ServicePort = 80 };
        LinkClient? client = null;
        Assert.Equal(OpenResult.Opened, Relay.TryOpen(meta, int.MaxValue, _ => true, (link, opened) => join(link, client = opened)));
        RelayHost.Opened(client!);
        return client!;
    }

    public Task UpAsync() => RelayHost.IsUp.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

    public Task CutAsync() => _cut.CancelAsync();

    /// <summary>Both links have ended; whoever was told of a client's end was told by then.</summary>
    public async Task EndAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_running).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        RelayHost.HasEndedOnce();
        DeviceHost.HasEndedOnce();
        await Relay.DisposeAsync();
        await Device.DisposeAsync();

        // Nobody waits for the dials that tests play: one that finds its link gone gives back then what came for its client.
        await Until.TrueAsync(() => Ledger.IsEmpty);
        Assert.Equal("0 open, 0 buffers, 0 loops", $"{Ledger}");
        _cut.Dispose();
        _stopping.Dispose();
    }

    private LinkConnection Connect(LinkRole role, Stream stream, Host host) =>
        new(role, Carrier.FromStream(new CutStream(stream, _cut.Token), TimeProvider.System), new LinkOptions(), host, Ledger, TimeProvider.System);

    internal sealed class Host(Action<LinkConnection, LinkClient> opened) : ILinkHost
    {
        private readonly ConcurrentDictionary<LinkClient, int> _ends = [];
        private int _ended;

        public TaskCompletionSource IsUp { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int OpenedCount => _ends.Count;

        public int EndedCount => Volatile.Read(ref _ended);

        public int EndsOf(LinkClient client) => _ends[client];

        /// <summary>Waits until it was told of the end of this many clients.</summary>
        public Task EndAsync(int count) => Until.TrueAsync(() => EndedCount == count);

        /// <summary>It may have ended before the test learns of it.</summary>
        public void Opened(LinkClient client) => _ends.TryAdd(client, 0);

        public void HasEndedOnce() => Assert.All(_ends, entry => Assert.Equal(1, entry.Value));

        void ILinkHost.Opened(LinkConnection link, LinkClient client)
        {
            Opened(client);
            opened(link, client);
        }

        void ILinkHost.Ended(LinkConnection link, LinkClient client)
        {
            _ends.AddOrUpdate(client, 1, (_, count) => count + 1);
            Interlocked.Increment(ref _ended);
        }

        void ILinkHost.WentUp(LinkConnection link) => IsUp.TrySetResult();

        void ILinkHost.Measured(LinkConnection link, TimeSpan roundTrip)
        {
        }

        bool ILinkHost.Commanded(LinkConnection link, in ControlCommand command) => false;

        void ILinkHost.Reported(LinkConnection link, ControlReply error)
        {
        }
    }
}
