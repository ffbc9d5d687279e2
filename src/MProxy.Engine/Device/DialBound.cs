using MProxy.Engine.Link;

namespace MProxy.Engine.Device;

/// <summary>
/// How many clients a tunnel takes to local services: whatever a relay brings, it neither takes all descriptors of this machine nor makes it dial a
/// service without end.
/// </summary>
internal sealed class DialBound(TunnelSettings settings, TimeProvider time)
{
    private static readonly TimeSpan Burst = TimeSpan.FromSeconds(2);

    private readonly RateBucket _rate = new(() => settings.Current.MaxNewClientsPerSecond, Burst, time);
    private readonly object _gate = new();
    private int _count;
    private int _datagramCount;

    /// <summary>How many are in.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _count;
            }
        }
    }

    /// <summary>Counts a client in. False where there are as many as may be, or they come too fast; else <see cref="Leave"/> is to be called once.</summary>
    public bool TryEnter(bool isDatagram)
    {
        var most = settings.Current.MaxClients;
        lock (_gate)
        {
            if (_count >= most || (isDatagram && _datagramCount >= ClientService.DatagramShare(most)) || !_rate.TryTake(1))
            {
                return false;
            }

            _count++;
            _datagramCount += isDatagram ? 1 : 0;
            return true;
        }
    }

    /// <summary>One is over.</summary>
    public void Leave(bool isDatagram)
    {
        lock (_gate)
        {
            _count--;
            _datagramCount -= isDatagram ? 1 : 0;
        }
    }
}
