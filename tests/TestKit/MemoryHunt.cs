using System.Globalization;
using System.Text;

namespace Secrets.TestKit;

/// <summary>
/// Searches the memory of another process for texts with a common head and tail. Each hunt has its own head and tail. A text is the head, its number, its body and
/// the tail. So one search finds all of them, also the rest of a text that was partly overwritten.
/// </summary>
public sealed class MemoryHunt
{
    private const int ChunkSize = 4 * 1024 * 1024;
    private const int MarkLength = 20;
    private const int NumberLength = 5;

    private readonly string _head = $"Head{Guid.NewGuid():N}"[..MarkLength];
    private readonly string _tail = $"{Guid.NewGuid():N}Tail"[^MarkLength..];
    private readonly (string Form, byte[] Bytes)[] _patterns;

    /// <summary>The start of every text.</summary>
    public string Head => _head;

    public MemoryHunt() => _patterns = [.. FormsOf("head", _head), .. FormsOf("tail", _tail)];

    /// <summary>Why this machine does not allow reading the memory of other processes; null: it does.</summary>
    public static string? WhyNot(int process)
    {
        if (!OperatingSystem.IsLinux())
        {
            return "Only Linux offers the memory of a process as a file.";
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

    /// <summary>The text of a number. Its body has characters that JSON escapes, and characters of several bytes.</summary>
    /// <param name="number">Below 100,000.</param>
    /// <param name="body">The number of characters between number and tail.</param>
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

    /// <summary>What is left of the texts in the readable memory of a process: one finding for each encoding and mapping.</summary>
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

                // Chunks overlap, so that a text across two chunks is whole in one. Unreadable parts are skipped.
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
            return 0; // The mapping has no memory behind it.
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

/// <summary>A finding in one mapping of a process's memory.</summary>
/// <param name="Form">The encoding, and whether it is a head or a tail.</param>
/// <param name="Where">The mapping's file or purpose, or its addresses.</param>
/// <param name="Count">The number of occurrences. One in the overlap of two chunks counts twice.</param>
/// <param name="Example">The first occurrence with its surroundings.</param>
public sealed record MemoryFinding(string Form, string Where, int Count, string Example)
{
    public override string ToString() => $"{Count} x {Form} in {Where}, such as {Example}";
}
