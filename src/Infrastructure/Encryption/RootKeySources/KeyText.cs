using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Encryption.RootKeySources;

/// <summary>Reads keys that are written in base64. Buffers are cleared: the caller's array has the only copy.</summary>
internal static class KeyText
{
    private const int MaxFileBytes = 16 * 1024;

    private static readonly byte[] Utf8Mark = [0xEF, 0xBB, 0xBF];
    private static readonly byte[] Utf16Mark = [0xFF, 0xFE]; // Windows PowerShell writes UTF-16

    /// <summary>Reads a stream to its end; null if it is longer than the maximum.</summary>
    public static async Task<byte[]?> ReadAsync(Stream stream, int maxBytes, CancellationToken cancellationToken)
    {
        var buffer = new byte[maxBytes + 1];
        try
        {
            var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
            return length > maxBytes ? null : buffer[..length];
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }

    /// <summary>Reads a file with bytes in base64.</summary>
    /// <param name="path">The file.</param>
    /// <param name="subject">Names the file at the beginning of a sentence.</param>
    /// <param name="content">Names what the file must hold.</param>
    /// <param name="advice">A further sentence for an error; empty: none.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    /// <exception cref="StartupException">The file does not exist, cannot be read, or holds something else.</exception>
    public static async Task<byte[]> ReadFileAsync(string path, string subject, string content, string advice, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
        {
            throw new StartupException($"{subject} does not exist.{advice}");
        }

        byte[]? text;
        try
        {
            await using var file = File.OpenRead(path);
            text = await ReadAsync(file, MaxFileBytes, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"{subject} cannot be read.{advice}");
        }

        return (text is null ? null : DecodeAndClear(text)) ?? throw new StartupException($"{subject} must hold {content} in base64.{advice}");
    }

    /// <summary>Decodes base64 and clears the text. White space is ignored. Returns null if the text is not base64.</summary>
    public static byte[]? DecodeAndClear(byte[] text)
    {
        var utf8 = text.AsSpan().StartsWith(Utf16Mark) ? Encoding.Convert(Encoding.Unicode, Encoding.UTF8, text[Utf16Mark.Length..])
            : text.AsSpan().StartsWith(Utf8Mark) ? text[Utf8Mark.Length..]
            : text;
        var bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(utf8.Length)];
        try
        {
            return Base64.DecodeFromUtf8(utf8, bytes, out _, out var written) is OperationStatus.Done ? bytes[..written] : null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
            CryptographicOperations.ZeroMemory(utf8);
            CryptographicOperations.ZeroMemory(text);
        }
    }
}
