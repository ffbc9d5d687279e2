using System.Net;
using CsCheck;
using MProxy.Engine.Relay;
using MProxy.Engine.Routing;

namespace MProxy.Engine.Tests.Limits;

/// <summary>Whatever comes and goes, when and from where: the same are let in, for the same reasons, as by a model that never forgets an address.</summary>
public class ClientAdmissionModelTests
{
    private const int Addresses = 5;

    /// <summary>Quarters of a second, and rates that divide them evenly: both sides count exactly.</summary>
    private static readonly Gen<(int What, int Address, bool IsDatagram, int Quarters)> Steps =
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, Addresses - 1], Gen.Bool, Gen.Int[0, 6]);

    private static readonly Gen<(int All, int PerAddress, int Rate, int AddressRate)> Limits =
        Gen.Select(Gen.Int[1, 12], Gen.Int[1, 5], OneOf(0, 4, 8, 16), OneOf(0, 1, 2, 4));

    [Fact]
    public void It_decides_as_the_model_does() => Gen.Select(Limits, Limits, Steps.Array[1, 120]).Sample(
        (first, second, steps) =>
        {
            var time = new ManualTime();
            var settings = new RelaySettings(new RelayOptions { Name = "test", Limits = LimitsOf(first) });
            var admission = new ClientAdmission(settings, time);
            var model = new Model(first.Rate, first.AddressRate);
            for (var i = 0; i < steps.Length; i++)
            {
                // Half way, the counts change and the rates do not: how a changed rate counts for the past is nobody's business.
                settings.Current = settings.Current with { Limits = LimitsOf(i < steps.Length / 2 ? first : first with { All = second.All, PerAddress = second.PerAddress }) };
                var (what, address, isDatagram, quarters) = steps[i];
                switch (what)
                {
                    case < 6:
                        var expected = model.TryEnter(settings.Limits, address, isDatagram);
                        Assert.Equal(expected?.Reason, admission.TryEnter(Of(address), isDatagram)?.Reason);
                        break;
                    case < 9:
                        if (model.TryLeave(address, isDatagram))
                        {
                            admission.Leave(Of(address), isDatagram);
                        }

                        break;
                    default:
                        time.Advance(TimeSpan.FromMilliseconds(250 * quarters));
                        model.Pass(quarters / 4.0);
                        break;
                }

                Assert.Equal(model.Count, admission.Count);
                Assert.InRange(admission.AddressCount, model.AddressCount, 2 * Addresses);
            }

            model.LeaveAll((address, isDatagram) => admission.Leave(Of(address), isDatagram));
            time.Advance(TimeSpan.FromSeconds(2));
            Assert.Equal((0, 0), (admission.Count, admission.AddressCount));
        },
        iter: 3000,
        threads: 1);

    private static Gen<int> OneOf(params int[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static RelayLimits LimitsOf((int All, int PerAddress, int Rate, int AddressRate) limits) => new()
    {
        MaxClients = limits.All,
        MaxClientsPerAddress = limits.PerAddress,
        MaxNewClientsPerSecond = limits.Rate,
        MaxNewClientsPerAddress = limits.AddressRate,
    };

    /// <summary>Of both families, and two hosts of one network, which count as one.</summary>
    private static IPAddress Of(int address) => IPAddress.Parse(address switch
    {
        0 => "10.0.0.1",
        1 => "::ffff:10.0.0.2",
        _ => $"2001:db8:0:{address}::{Random.Shared.Next(1, 9999)}",
    });

    /// <summary>Clients of streams and of datagrams have rates and counts of their own, and share the room in all.</summary>
    private sealed class Model(int rate, int addressRate)
    {
        private readonly Kind _streams = new(rate, addressRate);
        private readonly Kind _datagrams = new(rate, addressRate);

        public int Count => _streams.Count + _datagrams.Count;

        public int AddressCount => _streams.AddressCount + _datagrams.AddressCount;

        public void Pass(double seconds)
        {
            _streams.Pass(seconds);
            _datagrams.Pass(seconds);
        }

        public ClientRefusal? TryEnter(RelayLimits limits, int address, bool isDatagram) =>
            Count >= limits.MaxClients || (isDatagram && 2 * _datagrams.Count >= limits.MaxClients)
                ? ClientRefusal.TooManyInAll
                : Of(isDatagram).TryEnter(limits, address);

        public bool TryLeave(int address, bool isDatagram) => Of(isDatagram).TryLeave(address);

        public void LeaveAll(Action<int, bool> left)
        {
            _streams.LeaveAll(address => left(address, false));
            _datagrams.LeaveAll(address => left(address, true));
        }

        private Kind Of(bool isDatagram) => isDatagram ? _datagrams : _streams;
    }

    private sealed class Kind(int rate, int addressRate)
    {
        private readonly double[] _saved = [.. Enumerable.Repeat(2.0 * addressRate, Addresses)];
        private readonly int[] _clients = new int[Addresses];
        private double _savedInAll = 2.0 * rate;

        public int Count => _clients.Sum();

        public int AddressCount => _clients.Count(count => count > 0);

        public void Pass(double seconds)
        {
            _savedInAll = Math.Min(_savedInAll + (seconds * rate), 2 * rate);
            for (var address = 0; address < Addresses; address++)
            {
                _saved[address] = Math.Min(_saved[address] + (seconds * addressRate), 2 * addressRate);
            }
        }

        public ClientRefusal? TryEnter(RelayLimits limits, int address)
        {
            if (_clients[address] >= limits.MaxClientsPerAddress)
            {
                return ClientRefusal.TooManyOfAddress;
            }

            if (addressRate > 0 && _saved[address] < 1)
            {
                return ClientRefusal.TooFastOfAddress;
            }

            if (rate > 0 && _savedInAll < 1)
            {
                return ClientRefusal.TooFast;
            }

            _saved[address]--;
            _savedInAll--;
            _clients[address]++;
            return null;
        }

        public bool TryLeave(int address)
        {
            var isThere = _clients[address] > 0;
            _clients[address] -= isThere ? 1 : 0;
            return isThere;
        }

        public void LeaveAll(Action<int> left)
        {
            for (var address = 0; address < Addresses; address++)
            {
                while (TryLeave(address))
                {
                    left(address);
                }
            }
        }
    }
}
