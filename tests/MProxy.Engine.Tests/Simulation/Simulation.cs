using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Simulation;

/// <summary>
/// A relay's and a device's state machine joined by a wire that delays and splits, with clients that are greedy, slow or stalled, break off, are
/// suspended, and use few addresses again and again; now and then the link is lost, and comes back. One seed says all that happens. In the end
/// everybody is let go on, and each client has all bytes of its peer, or the right first ones and a failure that somebody caused.
/// </summary>
internal sealed class Simulation
{
    private const int MaxClients = 8;
    private const int Identities = 5;
    private const int MaxPasses = 20_000;
    private static readonly long Instant = TimeSpan.FromMicroseconds(200).Ticks;

    private readonly Random _random;
    private readonly SimulatedTime _time = new();
    private readonly List<Conversation> _conversations = [];
    private readonly long _maxDelay;
    private readonly int _maxPiece;
    private readonly int _wireLength;
    private SimulatedEnd[] _ends = [];
    private SimulatedWire[] _wires = [];

    public Simulation(int seed)
    {
        _random = new Random(seed);
        IsTight = _random.Next(4) == 0;
        _maxDelay = TimeSpan.FromMilliseconds(1 << _random.Next(7)).Ticks;
        _maxPiece = _random.Next(3) == 0 ? 3 : 1 << _random.Next(4, 13);
        _wireLength = 1 << _random.Next(13, 16);
        var highMark = _random.Next(1, 3000);

        // What is on its way when a sender is asked to pause may be a whole wire of this client alone.
        Options = new LinkOptions
        {
            HighMark = highMark,
            LowMark = _random.Next(highMark),
            ClientBound = IsTight ? highMark + _random.Next(3000) : 1 << 20,
            LinkBudget = IsTight ? highMark + _random.Next(6000) : 8 << 20,
        };
        Connect();
    }

    public LinkOptions Options { get; }

    /// <summary>The bounds are so close that clients may fail by them.</summary>
    public bool IsTight { get; }

    public long Steps { get; private set; }

    public int LostLinks { get; private set; }

    public int HeldBack { get; private set; }

    public int Failures => _conversations.Count(conversation => conversation.Failure is not null);

    public int Clients => _conversations.Count;

    /// <summary>What happened, in one number: two runs of one seed have the same.</summary>
    public ulong Trace { get; private set; } = 14695981039346656037;

    private SimulatedEnd Relay => _ends[0];

    private SimulatedEnd Device => _ends[1];

    /// <exception cref="SimulationException">A promise was broken.</exception>
    public void Run(int steps)
    {
        for (var step = 0; step < steps; step++)
        {
            Step(_random.Next(100));
            Steps++;
            _time.Now += _random.NextInt64(Instant);
            CheckLife();
        }

        Finish();
        _conversations.ForEach(conversation => conversation.CheckOver());
    }

    private void Step(int choice)
    {
        var side = _random.Next(2);
        var end = _ends[side];
        Note(choice, side);
        switch (choice)
        {
            case < 6:
                Open();
                break;
            case < 28:
                end.Any?.Speak();
                break;
            case < 50:
                end.Gather(_wires[side], _random.NextInt64(_maxDelay));
                break;
            case < 78:
                end.Receive(_wires[1 - side], _random.Next(1, _maxPiece + 1));
                break;
            case < 92:
                end.Any?.Eat(all: false);
                break;
            case < 94:
                end.Any?.Suspend();
                break;
            case < 95:
                if (_random.Next(4) == 0)
                {
                    end.Any?.Reset();
                }

                break;
            case < 96:
                end.Machine.Probe();
                break;
            case < 97:
                _time.Now += _random.NextInt64(_random.Next(50) == 0 ? TimeSpan.FromSeconds(20).Ticks : _maxDelay);
                break;
            case < 98:
                end.Check();
                break;
            default:
                if (_random.Next(60) == 0)
                {
                    Lose();
                }

                break;
        }
    }

    private void Open()
    {
        if (Relay.Clients.Count >= MaxClients)
        {
            return;
        }

        var meta = new FrameMeta { Family = "IPv4", Address = "10.0.0.1", Port = 1 + _random.Next(Identities), Service = "tcp", ServicePort = 80 };
        var conversation = new Conversation(_conversations.Count, meta, _random);
        if (Relay.TryOpen(conversation, Device))
        {
            _conversations.Add(conversation);
        }
    }

    private void Connect()
    {
        _wires = [new SimulatedWire(_wireLength), new SimulatedWire(_wireLength)];
        _ends = [new SimulatedEnd(this, LinkRole.Relay, _time, _random), new SimulatedEnd(this, LinkRole.Device, _time, _random)];
    }

    private void CheckLife()
    {
        Array.ForEach(_ends, end => end.TickIfDue());
        if (Relay.IsBroken || Device.IsBroken)
        {
            Lose();
        }
    }

    private void Lose()
    {
        LostLinks++;
        HeldBack += Relay.HeldBack;
        Array.ForEach(_ends, end => end.Lose());
        Connect();
    }

    /// <summary>Nobody holds anything up any more: whatever is under way comes to its end, without a time-out.</summary>
    private void Finish()
    {
        Array.ForEach(_ends, end => end.Clients.ForEach(client => client.GoOn()));
        for (var pass = 0; Pass(); pass++)
        {
            if (pass == MaxPasses)
            {
                throw new SimulationException("There is no end to what the two tell each other.");
            }
        }

        HeldBack += Relay.HeldBack;
        Array.ForEach(_ends, end => end.Check());
        foreach (var end in _ends)
        {
            if (end.Machine.Clients.Count > 0 && _conversations.TrueForAll(conversation => conversation.OpenEnds == 0))
            {
                throw new SimulationException($"The {end.Role} still counts {end.Machine.Clients.Count} clients.");
            }
        }
    }

    private bool Pass()
    {
        var moved = false;
        for (var side = 0; side < 2; side++)
        {
            var end = _ends[side];
            foreach (var client in end.Clients.ToArray())
            {
                moved |= client.Eat(all: true);
                moved |= client.Speak();
            }

            moved |= end.Gather(_wires[side], 0);
            _time.Now = Math.Max(_time.Now, _wires[1 - side].ReadyAt ?? 0);
            moved |= end.Receive(_wires[1 - side], int.MaxValue);
            Steps++;
        }

        return moved;
    }

    private void Note(int choice, int side)
    {
        Trace = (Trace ^ (ulong)((choice * 2) + side)) * 1099511628211;
        Trace = (Trace ^ (ulong)(Relay.Machine.Traffic.BytesIn + Device.Machine.Traffic.BytesIn)) * 1099511628211;
    }
}
