using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Simulation;

/// <summary>One end of a link: the real state machine, driven by a simulation in place of sockets.</summary>
internal sealed class SimulatedEnd : ILinkEvents
{
    private const int BatchLength = 4096;

    private readonly Simulation _simulation;
    private readonly SimulatedTime _time;
    private readonly Random _random;
    private readonly byte[] _batch = new byte[BatchLength];
    private readonly Dictionary<string, Queue<Conversation>> _announced = [];
    private readonly long _startedAt;
    private long _heardAt;

    public SimulatedEnd(Simulation simulation, LinkRole role, SimulatedTime time, Random random)
    {
        _simulation = simulation;
        _time = time;
        _random = random;
        _heardAt = _startedAt = time.Now;
        Role = role;
        Machine = new LinkMachine(role, simulation.Options, this, time, random);
        Machine.Start();
    }

    public LinkRole Role { get; }

    public LinkMachine Machine { get; }

    /// <summary>The clients whose end here is open.</summary>
    public List<SimulatedClient> Clients { get; } = [];

    /// <summary>The link has to end.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>How often two clients were kept apart that could not have been told apart.</summary>
    public int HeldBack { get; private set; }

    public SimulatedClient? Any => Clients.Count == 0 ? null : Clients[_random.Next(Clients.Count)];

    /// <summary>Clients may fail with this where nobody resets them.</summary>
    public bool MayFail(string code) => code == ErrorCode.Overflow && _simulation.IsTight;

    /// <summary>Relay side: brings a client, unless its identity is still in use.</summary>
    public bool TryOpen(Conversation conversation, SimulatedEnd device)
    {
        if (!Machine.Control.IsUp)
        {
            return false;
        }

        if (Machine.Clients.Open(conversation.Meta) is not { } client)
        {
            HeldBack++;
            return false;
        }

        if (!device._announced.TryGetValue(client.SocketId, out var queue))
        {
            device._announced[client.SocketId] = queue = new();
        }

        queue.Enqueue(conversation);
        Add(client, conversation);
        return true;
    }

    /// <summary>Sends what the machine has, where the wire has room.</summary>
    public bool Gather(SimulatedWire wire, long delay)
    {
        if (wire.Room < BatchLength)
        {
            return false;
        }

        var length = Machine.Gather(_batch, _random.Next(1, BatchLength));
        if (length > 0)
        {
            wire.Send(_batch.AsSpan(0, length), _time.Now + delay);
        }

        return length > 0;
    }

    public bool Receive(SimulatedWire wire, int most)
    {
        var bytes = wire.Receive(most, _time.Now);
        if (bytes.IsEmpty || IsBroken)
        {
            return false;
        }

        _heardAt = _time.Now;
        Machine.Receive(bytes);
        return true;
    }

    public void TickIfDue()
    {
        if (!IsBroken && _time.Now >= Machine.NextDeadline)
        {
            Machine.Tick(_heardAt);
        }
    }

    /// <summary>The carrier is gone.</summary>
    public void Lose()
    {
        foreach (var client in Clients.ToArray())
        {
            client.LinkLost();
        }
    }

    /// <summary>What is counted is what there is.</summary>
    public void Check()
    {
        Clients.ForEach(client => client.Check(_simulation.Options));
        var waiting = Clients.Sum(client => client.Client.Waiting);
        if (Machine.Clients.Waiting != waiting || waiting > _simulation.Options.LinkBudget)
        {
            throw new SimulationException($"{waiting} bytes wait at the {Role}, {Machine.Clients.Waiting} are counted, and {_simulation.Options.LinkBudget} may.");
        }
    }

    public void Ended(SimulatedClient client) => Clients.Remove(client);

    void ILinkEvents.Opened(LinkClient client)
    {
        if (Role == LinkRole.Relay || !_announced.TryGetValue(client.SocketId, out var queue) || !queue.TryDequeue(out var conversation))
        {
            throw new SimulationException($"A client {client.SocketId} came that nobody brought.");
        }

        Add(client, conversation);
    }

    int ILinkEvents.Received(LinkClient client, ReadOnlySpan<byte> data, bool isFrameEnd) => client.Sink!.Received(data, isFrameEnd);

    void ILinkEvents.Released()
    {
    }

    void ILinkEvents.PeerEnded(LinkClient client) => client.Sink!.PeerEnded();

    void ILinkEvents.Failed(LinkClient client, string code, string message) => client.Sink!.Failed(code, message);

    void ILinkEvents.Sent(LinkClient client) => client.Sink!.Sent();

    void ILinkEvents.Broke(LinkException reason)
    {
        IsBroken = true;
        var silence = Machine.Control.IsUp ? _time.Now - _heardAt : _time.Now - _startedAt;
        if (reason.Code != ErrorCode.Timeout || silence < _simulation.Options.ProbeTimeout.Ticks)
        {
            throw new SimulationException($"The {Role} gave the link up: {reason.Message}");
        }
    }

    void ILinkEvents.Closed(LinkClient client)
    {
    }

    void ILinkEvents.WentUp()
    {
    }

    bool ILinkEvents.Commanded(in ControlCommand command) => false;

    void ILinkEvents.Replied(ControlReply reply)
    {
    }

    void ILinkEvents.Measured(TimeSpan roundTrip)
    {
    }

    void ILinkEvents.Reported(ControlReply error) => throw new SimulationException($"The {Role} was told of an error: {error.Code}, {error.Message}");

    void ILinkEvents.WorkReady()
    {
    }

    private void Add(LinkClient client, Conversation conversation)
    {
        var end = new SimulatedClient(this, client, conversation, _random);
        client.Sink = end;
        conversation.OpenEnds++;
        Clients.Add(end);
    }
}
