using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Secrets.TestKit;

/// <summary>Searches files for a text, in every encoding in which it may have been written by accident.</summary>
public static class FileHunt
{
    /// <summary>The text raw, in base64 (at each of the three alignments), in hexadecimal, and escaped for URLs and JSON.</summary>
    public static IReadOnlyList<string> FormsOf(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var hex = Convert.ToHexString(bytes);
        var forms = new HashSet<string>(StringComparer.Ordinal)
        {
            text,
            hex,
            hex.ToLowerInvariant(),
            Uri.EscapeDataString(text),
            UrlEncoder.Default.Encode(text),
            JsonSerializer.Serialize(text)[1..^1],
            JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text),
            string.Concat(text.Select(unit => $"\\u{(int)unit:x4}")),
        };
        for (var shift = 0; shift < 3; shift++)
        {
            // Only whole groups of three bytes: text before and after changes the characters at both ends.
            var start = (3 - shift) % 3;
            var length = (bytes.Length - start) / 3 * 3;
            var base64 = Convert.ToBase64String(bytes, start, length);
            forms.Add(base64);
            forms.Add(base64.Replace('+', '-').Replace('/', '_'));
        }

        return [.. forms];
    }

    /// <summary>The files below a folder that contain the text in any encoding.</summary>
    public static IReadOnlyList<string> FilesHolding(string folder, string text)
    {
        var forms = BytesOf(text);
        return [.. Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None })
            .Where(path => (File.GetAttributes(path) & FileAttributes.ReparsePoint) == FileAttributes.None)
            .Where(path => Holds(path, forms))];
    }

    /// <summary>The bytes of all encodings of a text.</summary>
    internal static IReadOnlyList<byte[]> BytesOf(string text) =>
        [.. FormsOf(text).Select(Encoding.UTF8.GetBytes), Encoding.Unicode.GetBytes(text)];

    internal static bool Holds(ReadOnlySpan<byte> content, IReadOnlyList<byte[]> forms)
    {
        foreach (var form in forms)
        {
            if (content.IndexOf(form) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    private static bool Holds(string path, IReadOnlyList<byte[]> forms)
    {
        try
        {
            // The service locks its files, and may delete one during the search.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var content = new byte[file.Length];
            var read = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            return Holds(content.AsSpan(0, read), forms);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
