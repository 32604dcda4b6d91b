using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json.Nodes;

namespace Secrets.TestKit;

/// <summary>Random request bodies, equal for equal seeds: valid JSON with odd members, and JSON damaged as text or as bytes.</summary>
/// <param name="random">The source of random numbers.</param>
/// <param name="members">The members of the operation.</param>
/// <param name="value">Makes a value of the right type for a member.</param>
public sealed class RandomBodies(Random random, IReadOnlyList<string> members, Func<RandomBodies, string, JsonNode?> value)
{
    public Random Random => random;

    /// <summary>A body derived from one with these members.</summary>
    public byte[] Body(params IReadOnlyList<string> required)
    {
        var json = new JsonObject(required.Select(member => KeyValuePair.Create(member, value(this, member))));
        for (var i = random.Next(4); i > 0; i--)
        {
            var member = random.Next(4) == 0 ? Text() : members[random.Next(members.Count)];
            json[member] = random.Next(3) == 0 ? Node(0) : value(this, member);
        }

        var text = json.ToJsonString(random.Next(2) == 0 ? new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping } : null);
        if (random.Next(4) == 0)
        {
            text = MutateText(text);
        }

        var bytes = Encoding.UTF8.GetBytes(text).ToList();
        for (var i = random.Next(4) == 0 ? random.Next(1, 6) : 0; i > 0 && bytes.Count > 0; i--)
        {
            MutateBytes(bytes);
        }

        return [.. bytes];
    }

    /// <summary>Characters of every plane and kind, without lone surrogates; sometimes too many.</summary>
    public string Text()
    {
        var length = random.Next(40) == 0 ? random.Next(1000, 1100) : random.Next(random.Next(10) == 0 ? 0 : 1, 12);
        var text = new StringBuilder();
        for (var i = 0; i < length; i++)
        {
            var range = random.Next(5) switch
            {
                0 => (From: 0x00, To: 0x20),
                1 => (From: 0x20, To: 0x80),
                2 => (From: 0x80, To: 0xD800),
                3 => (From: 0xE000, To: 0x10000),
                _ => (From: 0x10000, To: 0x110000),
            };
            text.Append(new Rune(random.Next(8) == 0 ? random.Next(range.From, range.To) : random.Next(0x20, 0x7F)));
        }

        return text.ToString();
    }

    /// <summary>Damages a body as text: escapes, huge numbers, duplicate members, deep nesting.</summary>
    private string MutateText(string text) => random.Next(7) switch
    {
        0 => text.Insert(random.Next(1, text.Length), $"\\u{random.Next(0xD700, 0xE100):x4}"),
        1 => text.Insert(text.Length - 1, $",\"n\":{(random.Next(2) == 0 ? "-" : "")}{new string('9', random.Next(1, 400))}e{random.Next(-9999, 9999)}"),
        2 => text.Insert(1, $"\"{members[random.Next(members.Count)]}\":null,"),
        3 => text.Insert(text.Length - 1, $",\"d\":{new string('[', random.Next(1, 100))}{new string(']', random.Next(1, 100))}"),
        4 => text.Replace(members[0][..2], $"s\\u{random.Next(0xD7F0, 0xE010):x4}", StringComparison.Ordinal),
        5 => text[..random.Next(text.Length)],
        _ => text.Replace("\"", "'", StringComparison.Ordinal),
    };

    private void MutateBytes(List<byte> bytes)
    {
        var at = random.Next(bytes.Count);
        switch (random.Next(4))
        {
            case 0:
                bytes.RemoveAt(at);
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes.Insert(at, (byte)random.Next(256));
                break;
            default:
                bytes.RemoveRange(at, random.Next(bytes.Count - at));
                break;
        }
    }

    private JsonNode? Node(int depth) => random.Next(depth > 5 ? 5 : 7) switch
    {
        0 => null,
        1 => random.Next(2) == 0,
        2 => random.NextInt64(),
        3 => (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-300, 300)),
        4 => Text(),
        5 => new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => Node(depth + 1))]),
        _ => new JsonObject(Enumerable.Range(0, random.Next(4)).Select(i => KeyValuePair.Create($"{i}{Text()}", Node(depth + 1)))),
    };
}
