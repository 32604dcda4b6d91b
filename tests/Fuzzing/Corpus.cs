using System.Globalization;
using System.Text;
using Secrets.TestKit;

namespace Secrets.Fuzzing.Tests;

/// <summary>
/// The inputs of a target that reached something new or failed once, in a file with one input a line. Printable ASCII is literal. Every other
/// byte and the percent sign are percent-encoded.
/// </summary>
internal sealed class Corpus(string name)
{
    private const int MaxLength = 400;

    private readonly string _file = Path.Combine(Repository.Root, "tests", "Fuzzing", "Corpus", $"{name}.txt");

    public IReadOnlyList<byte[]> Read() => File.Exists(_file) ? [.. File.ReadAllLines(_file).Select(Decode)] : [];

    /// <summary>Adds an input, unless it is too long.</summary>
    public void Add(byte[] input)
    {
        if (Encode(input) is { Length: <= MaxLength } line)
        {
            File.AppendAllText(_file, line + '\n');
        }
    }

    public static string Encode(byte[] input)
    {
        var line = new StringBuilder();
        foreach (var value in input)
        {
            _ = value is >= 0x20 and < 0x7F and not (byte)'%' ? line.Append((char)value) : line.Append(CultureInfo.InvariantCulture, $"%{value:X2}");
        }

        return line.ToString();
    }

    private static byte[] Decode(string line)
    {
        var input = new List<byte>(line.Length);
        for (var at = 0; at < line.Length; at++)
        {
            if (line[at] != '%')
            {
                input.Add((byte)line[at]);
                continue;
            }

            input.Add(byte.Parse(line.AsSpan(at + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
            at += 2;
        }

        return [.. input];
    }
}
