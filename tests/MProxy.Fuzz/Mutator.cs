using System.Globalization;
using System.Text;

namespace MProxy.Fuzz;

/// <summary>Makes new inputs of old ones.</summary>
internal sealed class Mutator(Random random, IReadOnlyList<byte[]> corpus, IReadOnlyList<byte[]> words)
{
    private static readonly byte[] Interesting = [0, 1, 2, 16, 32, 64, 100, 127, 128, 254, 255, .. ", 09\r\n\t.:[]\""u8];
    private static readonly string[] Numbers = ["0", "1", "-1", "01", "+1", "254", "255", "256", "257", "65535", "65536", "4294967296", "9007199254740993", "9223372036854775807", "9223372036854775808"];

    /// <summary>Changes an input in its buffer, which is as long as an input may be.</summary>
    /// <returns>How long it is now.</returns>
    public int Mutate(byte[] buffer, int length)
    {
        for (var times = 1 << random.Next(6); times > 0; times--)
        {
            length = length == 0 ? Insert(buffer, 0, 0, [(byte)random.Next(256)]) : Change(buffer, length);
        }

        return length;
    }

    private int Change(byte[] buffer, int length)
    {
        var at = random.Next(length);
        switch (random.Next(11))
        {
            case 0:
                buffer[at] ^= (byte)(1 << random.Next(8));
                return length;
            case 1:
                buffer[at] = (byte)random.Next(256);
                return length;
            case 2:
                buffer[at] += (byte)random.Next(-35, 36);
                return length;
            case 3:
                buffer[at] = Interesting[random.Next(Interesting.Length)];
                return length;
            case 4:
                return Remove(buffer, length, at, Math.Min(random.Next(1, 17), length - at));
            case 5:
                return Insert(buffer, length, at, Enumerable.Repeat((byte)random.Next(256), random.Next(1, 17)).ToArray());
            case 6:
                return Insert(buffer, length, at, Part(buffer[..length]));
            case 7:
                return Insert(buffer, length, at, Part(corpus[random.Next(corpus.Count)]));
            case 8:
                return Insert(buffer, length, at, Encoding.ASCII.GetBytes(random.Next(4) == 0 ? random.NextInt64().ToString(CultureInfo.InvariantCulture) : Numbers[random.Next(Numbers.Length)]));
            case 9:
                var other = Part(corpus[random.Next(corpus.Count)]);
                other.AsSpan(0, Math.Min(other.Length, length - at)).CopyTo(buffer.AsSpan(at));
                return length;
            default:
                return Insert(buffer, length, at, words.Count == 0 ? [(byte)random.Next(256)] : words[random.Next(words.Count)]);
        }
    }

    private byte[] Part(byte[] whole)
    {
        if (whole.Length == 0)
        {
            return whole;
        }

        var from = random.Next(whole.Length);
        return whole[from..Math.Min(whole.Length, from + random.Next(1, 129))];
    }

    private static int Remove(byte[] buffer, int length, int at, int count)
    {
        buffer.AsSpan(at + count, length - at - count).CopyTo(buffer.AsSpan(at));
        return length - count;
    }

    private static int Insert(byte[] buffer, int length, int at, byte[] bytes)
    {
        var count = Math.Min(bytes.Length, buffer.Length - length);
        buffer.AsSpan(at, length - at).CopyTo(buffer.AsSpan(at + count));
        bytes.AsSpan(0, count).CopyTo(buffer.AsSpan(at));
        return length + count;
    }
}
