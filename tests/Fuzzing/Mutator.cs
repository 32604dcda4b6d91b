using System.Text;
using System.Text.RegularExpressions;

namespace Secrets.Fuzzing.Tests;

/// <summary>Changes inputs at random, as bytes and as JSON tokens. Equal seeds give equal changes.</summary>
internal sealed partial class Mutator(Random random, IReadOnlyList<byte[]> dictionary)
{
    private const int MaxLength = 64 * 1024;

    /// <summary>A changed copy of an input.</summary>
    /// <param name="input">The input, which stays unchanged.</param>
    /// <param name="other">Another input, which may supply a fragment.</param>
    public byte[] Mutate(byte[] input, byte[] other)
    {
        // The first line names the operation or header. Half of the mutations keep it.
        var start = random.Next(2) == 0 ? 0 : Array.IndexOf(input, (byte)'\n') + 1;
        var bytes = input[start..];
        for (var changes = 1 << random.Next(4); changes > 0; changes--)
        {
            bytes = random.Next(2) == 0 ? MutateTokens(bytes, other) : MutateBytes(bytes, other);
        }

        return [.. input[..start], .. bytes.Take(MaxLength)];
    }

    private byte[] MutateBytes(byte[] bytes, byte[] other)
    {
        var at = random.Next(bytes.Length + 1);
        var end = Math.Min(bytes.Length, at + 1 + random.Next(random.Next(8) == 0 ? 64 : 4));
        switch (random.Next(8))
        {
            case 0:
                return [.. bytes[..at], .. bytes[end..]];
            case 1:
                return [.. bytes[..at], (byte)random.Next(256), .. bytes[at..]];
            case 2:
                return [.. bytes[..at], .. Piece(other), .. bytes[at..]];
            case 3:
                return [.. bytes[..at], .. dictionary[random.Next(dictionary.Count)], .. bytes[at..]];
            case 4:
                return [.. bytes[..at], .. Repeat(bytes[at..end]), .. bytes[end..]];
            case 5:
                return random.Next(8) == 0 ? bytes[..at] : bytes;
            default:
                var changed = (byte[])bytes.Clone();
                if (at < changed.Length)
                {
                    changed[at] = random.Next(2) == 0 ? (byte)random.Next(256) : (byte)(changed[at] ^ (1 << random.Next(8)));
                }

                return changed;
        }
    }

    private byte[] MutateTokens(byte[] bytes, byte[] other)
    {
        var tokens = Tokens(bytes);
        if (tokens.Count == 0)
        {
            return MutateBytes(bytes, other);
        }

        var token = tokens[random.Next(tokens.Count)];
        var instead = random.Next(6) switch
        {
            0 => bytes[..0],
            1 => [.. Text(bytes, token), (byte)',', .. Text(bytes, token)],
            2 => Text(bytes, tokens[random.Next(tokens.Count)]),
            3 when Tokens(other) is { Count: > 0 } others => Text(other, others[random.Next(others.Count)]),
            4 => Repeat(Text(bytes, token)),
            _ => dictionary[random.Next(dictionary.Count)],
        };
        return [.. bytes[..token.Start.Value], .. instead, .. bytes[token.End.Value..]];
    }

    private byte[] Piece(byte[] bytes)
    {
        var start = random.Next(bytes.Length + 1);
        return bytes[start..Math.Min(bytes.Length, start + random.Next(32))];
    }

    private byte[] Repeat(byte[] bytes)
    {
        var times = random.Next(20) == 0 ? random.Next(1, 1_500) : random.Next(1, 6);
        return [.. Enumerable.Repeat(bytes, Math.Min(times, MaxLength / (bytes.Length + 1))).SelectMany(all => all)];
    }

    private static byte[] Text(byte[] bytes, Range range) => bytes[range];

    private static List<Range> Tokens(byte[] bytes) =>
        [.. Token().Matches(Encoding.Latin1.GetString(bytes)).Select(match => match.Index..(match.Index + match.Length))];

    [GeneratedRegex("""
        "(\\.|[^"\\])*"|[-+.0-9eE]+|[A-Za-z_]+|[^\s]
        """, RegexOptions.ExplicitCapture | RegexOptions.IgnorePatternWhitespace, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Token();
}
