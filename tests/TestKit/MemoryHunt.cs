using System.Globalization;
using System.Text;

namespace Secrets.TestKit;

/// <summary>
/// Looks into the memory of another process for texts that all begin and end alike. A run of the hunt has a head and a tail of its own; each text is the head, its number, its body and the
/// tail, so one search finds them all, also what is left of one that was overwritten in part.
/// </summary>
public sealed class MemoryHunt
{
    private const int ChunkSize = 4 * 1024 * 1024;
    private const int MarkLength = 20;
    private const int NumberLength = 5;

    private readonly string _head = $"Head{Guid.NewGuid():N}"[..MarkLength];
    private readonly string _tail = $"{Guid.NewGuid():N}Tail"[^MarkLength..];
    private readonly (string Form, byte[] Bytes)[] _patterns;

    /// <summary>What every text begins with.</summary>
    public string Head => _head;

    public MemoryHunt() => _patterns = [.. FormsOf("head", _head), .. FormsOf("tail", _tail)];

    /// <summary>Why the memory of other processes cannot be read here; null: it can be.</summary>
    public static string? WhyNot(int process)
    {
        if (!OperatingSystem.IsLinux())
        {
            return "Only Linux shows the memory of a process as a file.";
        }

        try
        {
            using var memory = OpenMemory(process);
            return null;
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            return $"This account may not read the memory of its own processes (/proc/<pid>/mem): {exception.Message}";
        }
    }

    /// <summary>The text of that number: characters that JSON escapes, and others that take several bytes, in its body.</summary>
    /// <param name="number">Below 100,000.</param>
    /// <param name="body">How many characters there are between the number and the tail.</param>
    public string TextOf(int number, int body = 24)
    {
        var filler = $"{Guid.NewGuid():N}\"é\\{Guid.NewGuid():N}";
        var text = new StringBuilder(_head).Append(number.ToString("D5", CultureInfo.InvariantCulture));
        while (text.Length < MarkLength + NumberLength + body)
        {
            text.Append(filler, 0, Math.Min(filler.Length, MarkLength + NumberLength + body - text.Length));
        }

        return text.Append(_tail).ToString();
    }

    /// <summary>What is of the texts in all memory of a process that can be read: one finding for each form and mapping.</summary>
    public IReadOnlyList<MemoryFinding> Find(int process)
    {
        var found = new Dictionary<(string Form, string Where), MemoryFinding>();
        using var memory = OpenMemory(process);
        var chunk = new byte[ChunkSize];
        foreach (var (start, end, name) in ReadableParts(process))
        {
            for (var at = start; at < end;)
            {
                var read = Read(memory, at, chunk.AsSpan(0, (int)Math.Min(ChunkSize, end - at)));
                Search(chunk.AsSpan(0, read), (form, offset) =>
                    found[(form, name)] = found.TryGetValue((form, name), out var known)
                        ? known with { Count = known.Count + 1 }
                        : new MemoryFinding(form, name, Count: 1, Around(chunk.AsSpan(0, read), offset)));

                // Overlapping: what lies across two chunks is whole in one. A part that cannot be read is passed over.
                at += read == 0 ? Math.Min(ChunkSize, end - at) : read > 1024 && at + read < end ? read - 512 : read;
            }
        }

        return [.. found.Values];
    }

    private static FileStream OpenMemory(int process) => new($"/proc/{process}/mem", FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);

    private static IEnumerable<(long Start, long End, string Name)> ReadableParts(int process)
    {
        foreach (var line in File.ReadAllLines($"/proc/{process}/maps"))
        {
            var columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var range = columns[0].Split('-');
            var name = columns.Length > 5 ? columns[5] : $"unnamed memory at {columns[0]}";
            if (columns[1][0] == 'r' && name is not ("[vvar]" or "[vvar_vclock]" or "[vsyscall]")
                && long.TryParse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var end))
            {
                yield return (long.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture), end, name);
            }
        }
    }

    private static int Read(FileStream memory, long at, Span<byte> chunk)
    {
        try
        {
            return RandomAccess.Read(memory.SafeFileHandle, chunk, at);
        }
        catch (IOException)
        {
            return 0; // A mapping that has no memory behind it.
        }
    }

    private static string Around(ReadOnlySpan<byte> chunk, int offset)
    {
        var from = Math.Max(0, offset - 64);
        var around = chunk[from..Math.Min(chunk.Length, offset + 96)];
        return string.Concat(Encoding.Latin1.GetString(around).Select(letter => letter is >= ' ' and <= '~' ? letter : '.'));
    }

    private void Search(ReadOnlySpan<byte> chunk, Action<string, int> found)
    {
        foreach (var (form, bytes) in _patterns)
        {
            for (var from = 0; chunk[from..].IndexOf(bytes) is var at and >= 0; from += at + bytes.Length)
            {
                found(form, from + at);
            }
        }
    }

    private static IEnumerable<(string Form, byte[] Bytes)> FormsOf(string name, string text)
    {
        yield return ($"UTF-8 {name}", Encoding.UTF8.GetBytes(text));
        yield return ($"UTF-16 {name}", Encoding.Unicode.GetBytes(text));
        yield return ($"UTF-32 {name}", Encoding.UTF32.GetBytes(text)); // runes
        foreach (var form in FileHunt.FormsOf(text).Where(form => !string.Equals(form, text, StringComparison.Ordinal)))
        {
            yield return ($"encoded {name}", Encoding.UTF8.GetBytes(form));
            yield return ($"encoded {name}, UTF-16", Encoding.Unicode.GetBytes(form));
        }
    }
}

/// <summary>What was found in one mapping of a process's memory.</summary>
/// <param name="Form">The encoding, and whether head or tail.</param>
/// <param name="Where">The mapping's file or use, or its addresses.</param>
/// <param name="Count">How often; what lies where two pieces overlap that are searched counts twice.</param>
/// <param name="Example">The first with what is around it.</param>
public sealed record MemoryFinding(string Form, string Where, int Count, string Example)
{
    public override string ToString() => $"{Count} x {Form} in {Where}, such as {Example}";
}
