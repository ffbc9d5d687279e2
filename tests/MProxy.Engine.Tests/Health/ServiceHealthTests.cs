using CsCheck;
using MProxy.Engine.Health;

namespace MProxy.Engine.Tests.Health;

/// <summary>What results in a row make of a service.</summary>
public class ServiceHealthTests
{
    /// <summary>+ passed, - failed; after each the state, U or D.</summary>
    [Theory]
    [InlineData("++++", "UUUU")]
    [InlineData("----", "DDDD")]
    [InlineData("-+-++", "DDDDU")]
    [InlineData("-++--+---", "DDUUUUUUD")]
    [InlineData("+---+++", "UUUDDUU")]
    [InlineData("+--+--+--", "UUUUUUUUU")]
    public void Rise_2_and_fall_3(string results, string states) => Assert.Equal(states, States(new ServiceHealth(2, 3), results));

    [Fact]
    public void With_1_each_result_is_the_state() => Assert.Equal("UDUUDDU", States(new ServiceHealth(1, 1), "+-++--+"));

    [Fact]
    public void It_changes_with_exactly_as_many_in_a_row_as_it_takes() => Gen.Select(Gen.Int[1, 5], Gen.Int[1, 5], Gen.Bool.Array[1, 60]).Sample((rise, fall, results) =>
    {
        var health = new ServiceHealth(rise, fall);
        for (var i = 0; i < results.Length; i++)
        {
            var before = health.IsUp;
            health.Take(results[i]);
            var need = before ? fall : rise;
            var against = results[..(i + 1)].Reverse().TakeWhile(result => result != before).Count();
            Assert.Equal(i == 0 ? !results[0] : against == need, health.IsUp != before);
        }
    });

    private static string States(ServiceHealth health, string results) => string.Concat(results.Select(result =>
    {
        health.Take(result == '+');
        return health.IsUp ? 'U' : 'D';
    }));
}
