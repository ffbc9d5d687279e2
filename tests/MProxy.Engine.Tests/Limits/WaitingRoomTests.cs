using System.Net;
using CsCheck;

namespace MProxy.Engine.Tests.Limits;

/// <summary>Whoever waits: how many there may be, and who has to go for whom.</summary>
public sealed class WaitingRoomTests
{
    private static readonly Gen<(int What, int Which)> Steps = Gen.Select(Gen.Int[0, 9], Gen.Int[0, 11]);

    [Fact]
    public void It_decides_as_a_list_does_that_is_searched() => Gen.Select(Gen.Int[1, 8], Gen.Int[1, 4], Steps.Array[1, 200]).Sample(
        (all, ofAddress, steps) =>
        {
            var room = new WaitingRoom(() => (all, ofAddress));

            // In the order in which they came to where they are; crowds in that in which they came to their size.
            List<(WaitingRoom.Place Place, int Address)> model = [];
            Dictionary<int, int> sizedAt = [];
            List<int> givenUp = [];
            var number = 0;
            foreach (var (what, which) in steps)
            {
                number++;
                var address = which % 5;
                if (what < 6)
                {
                    var own = number;
                    var victim = model.Count >= all ? Oldest() : null;
                    var hasRoom = address == 4 || model.Count(one => one.Address == address) < ofAddress;
                    var place = room.TryEnter(AddressOf(address), () => givenUp.Add(own));
                    Assert.Equal(hasRoom, place is not null);
                    if (place is not null)
                    {
                        if (victim is { } gone)
                        {
                            Assert.True(gone.Place.IsGivenUp);
                            Leave(gone, number);
                        }

                        model.Add((place, address));
                        sizedAt[address] = (2 * number) + 1;
                    }
                }
                else if (model.Count > 0 && what < 8)
                {
                    var gone = model[which % model.Count];
                    gone.Place.Dispose();
                    Leave(gone, number);
                }
                else if (model.Count > 0)
                {
                    var moved = model[which % model.Count];
                    var to = which % 4;
                    var hasRoom = model.Count(one => one.Address == to) < ofAddress;
                    Assert.Equal(hasRoom, moved.Place.TryName(AddressOf(to)!));
                    if (hasRoom)
                    {
                        Leave(moved, number);
                        model.Add((moved.Place, to));
                        sizedAt[to] = (2 * number) + 1;
                    }
                }

                Assert.Equal(model.Count, room.Count);
                Assert.InRange(room.Count, 0, all);
                Assert.DoesNotContain(model, one => one.Place.IsGivenUp);
            }

            model.ForEach(one => one.Place.Dispose());
            Assert.Equal(0, room.Count);
            Assert.Equal(givenUp.Distinct(), givenUp);

            (WaitingRoom.Place Place, int Address)? Oldest()
            {
                var crowd = model.GroupBy(one => one.Address).OrderByDescending(one => one.Count()).ThenBy(one => sizedAt[one.Key]).First();
                return crowd.First();
            }

            void Leave((WaitingRoom.Place Place, int Address) gone, int at)
            {
                model.Remove(gone);
                sizedAt[gone.Address] = 2 * at;
            }
        },
        iter: 5000,
        threads: 1);

    [Fact]
    public void One_that_has_left_is_neither_named_nor_counted_again()
    {
        var room = new WaitingRoom(() => (1, 1));
        var first = room.TryEnter(IPAddress.Loopback, () => { })!;
        Assert.Null(room.TryEnter(IPAddress.Loopback, () => { }));
        using var second = room.TryEnter(IPAddress.IPv6Loopback, () => { })!;
        Assert.Equal((true, false, 1), (first.IsGivenUp, first.TryName(IPAddress.Any), room.Count));
        first.Dispose();
        Assert.Equal((false, 1), (second.IsGivenUp, room.Count));
    }

    [Fact]
    public async Task Many_threads_leave_it_as_they_found_it()
    {
        const int Threads = 8;
        var room = new WaitingRoom(() => (6, 4));
        var (entered, givenUp) = (0, 0);
        using var all = new Barrier(Threads);

        // Threads of their own: all are there at once, and want more than there is room for before any goes on.
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(() =>
        {
            var random = new Random(thread);
            Queue<WaitingRoom.Place> mine = [];
            mine.Enqueue(room.TryEnter(AddressOf(thread % 5), () => Interlocked.Increment(ref givenUp))!);
            Interlocked.Increment(ref entered);
            all.SignalAndWait();
            for (var i = 0; i < 20_000; i++)
            {
                if (room.TryEnter(AddressOf(random.Next(5)), () => Interlocked.Increment(ref givenUp)) is { } place)
                {
                    Interlocked.Increment(ref entered);
                    mine.Enqueue(place);
                }

                Assert.InRange(room.Count, 0, 6);
                while (mine.Count > random.Next(6))
                {
                    mine.Dequeue().Dispose();
                }
            }

            foreach (var place in mine)
            {
                place.Dispose();
            }
        }, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        Assert.Equal(0, room.Count);
        Assert.InRange(givenUp, Threads - 6, entered);
    }

    /// <summary>Four addresses, and none.</summary>
    private static IPAddress? AddressOf(int number) => number == 4 ? null : new IPAddress([10, 0, 0, (byte)number]);
}
