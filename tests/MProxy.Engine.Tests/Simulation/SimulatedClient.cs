using MProxy.Engine.Link;
using MProxy.Protocol;

namespace MProxy.Engine.Tests.Simulation;

/// <summary>One end of a conversation: says its part in frames, and takes the other's as it likes.</summary>
internal sealed class SimulatedClient(SimulatedEnd owner, LinkClient client, Conversation conversation, Random random) : ClientSink
{
    private const int MaxBody = 1500;

    private readonly int _end = owner.Role == LinkRole.Relay ? 0 : 1;
    private readonly byte[] _frame = new byte[WireFormat.MaxHeaderRoom + MaxBody];
    private int _waiting;
    private bool _isOffering;
    private int _offered;

    public Conversation Conversation => conversation;

    public LinkClient Client => client;

    public bool IsOver { get; private set; }

    private bool IsSilent => conversation.EndSent[_end] || client.IsClosed;

    /// <summary>Says something more, or that this was all. False where there is nothing to do.</summary>
    public bool Speak()
    {
        if (_isOffering || IsSilent)
        {
            return false;
        }

        var rest = conversation.Length[_end] - conversation.Sent[_end];
        if (rest == 0)
        {
            conversation.EndSent[_end] = true;
            owner.Machine.Clients.End(client);
            CloseIfDone();
            return true;
        }

        _offered = Math.Min(rest, random.Next(1, MaxBody));
        var header = client.Message.WriteBefore(_frame.AsSpan(0, WireFormat.MaxHeaderRoom), _offered);
        conversation.Write(_end, _frame.AsSpan(WireFormat.MaxHeaderRoom, _offered));
        _isOffering = true;
        owner.Machine.Offer(client, _frame.AsMemory(WireFormat.MaxHeaderRoom - header, header + _offered));
        return true;
    }

    /// <summary>Takes some of what waits.</summary>
    /// <param name="all">Whatever its appetite.</param>
    public bool Eat(bool all)
    {
        if (_waiting == 0 || (!all && conversation.Appetites[_end] == Appetite.Stalled))
        {
            return false;
        }

        var count = all ? _waiting : random.Next(1, _waiting + 1);
        _waiting -= count;
        owner.Machine.Clients.Delivered(client, count);
        CloseIfDone();
        return true;
    }

    /// <summary>An operator holds it up, or lets it go on.</summary>
    public void Suspend()
    {
        if (client.IsSuspended)
        {
            GoOn();
        }
        else
        {
            owner.Machine.Suspend(client);
        }
    }

    public void GoOn() => owner.Machine.Resume(client);

    /// <summary>Breaks off.</summary>
    public void Reset()
    {
        if (!client.IsClosed)
        {
            owner.Machine.Clients.Fail(client, "E_TEST", "the simulation resets it");
            Over("reset");
        }
    }

    public override int Received(ReadOnlySpan<byte> data, bool isFrameEnd)
    {
        if (IsOver || conversation.EndReceived[_end])
        {
            throw new SimulationException($"{conversation}: bytes behind its end at end {_end}.");
        }

        conversation.Read(_end, data);

        // A socket takes what it has room for, and what waits goes first.
        var taken = _waiting > 0 || conversation.Appetites[_end] == Appetite.Stalled ? 0
            : conversation.Appetites[_end] == Appetite.Greedy ? data.Length : random.Next(data.Length + 1);
        _waiting += data.Length - taken;
        return taken;
    }

    public override void PeerEnded()
    {
        if (conversation.EndReceived[_end])
        {
            throw new SimulationException($"{conversation}: ended twice at end {_end}.");
        }

        conversation.EndReceived[_end] = true;
        CloseIfDone();
    }

    public override void Failed(string code, string message)
    {
        if (code != "E_TEST" && !owner.MayFail(code))
        {
            throw new SimulationException($"{conversation}: {code}, {message}, at end {_end}.");
        }

        Over(code);
    }

    public override void LinkLost() => Over("link lost");

    public override void Sent()
    {
        if (client.IsPausedByPeer || client.IsSuspended)
        {
            throw new SimulationException($"{conversation}: a frame went out at end {_end} that was asked to pause.");
        }

        _isOffering = false;
        conversation.Sent[_end] += _offered;
    }

    /// <summary>What waits here is what the machine counts.</summary>
    public void Check(LinkOptions options)
    {
        if (client.Waiting != _waiting || _waiting > options.ClientBound)
        {
            throw new SimulationException($"{conversation}: {_waiting} bytes wait at end {_end}, {client.Waiting} are counted, and {options.ClientBound} may.");
        }
    }

    private void CloseIfDone()
    {
        if (conversation.EndSent[_end] && conversation.EndReceived[_end] && _waiting == 0)
        {
            Over(null);
        }
    }

    private void Over(string? failure)
    {
        if (IsOver)
        {
            return;
        }

        IsOver = true;
        _waiting = 0;
        conversation.OpenEnds--;
        conversation.Failure ??= failure;
        owner.Ended(this);
    }
}
