using System.Security.Cryptography;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Encryption.RootKeySources;

/// <summary>A file with the key in base64.</summary>
/// <param name="path">The file.</param>
/// <param name="subject">Names the file at the beginning of a sentence.</param>
/// <param name="setting">The setting that names the file; null: it is the default.</param>
internal sealed class FileRootKeySource(string path, string subject, string? setting = null) : IRootKeySource
{
    public string Origin => $"the file {path}";

    public async Task<byte[]> ReadAsync(CancellationToken cancellationToken)
    {
        var (content, advice) = ($"{AesGcmBox.KeySize} bytes", setting is null ? "" : $" Correct {setting}.");
        var key = await KeyText.ReadFileAsync(path, subject, content, advice, cancellationToken);
        if (key.Length != AesGcmBox.KeySize)
        {
            CryptographicOperations.ZeroMemory(key);
            throw new StartupException($"{subject} must hold {content} in base64.{advice}");
        }

        return key;
    }

    /// <summary>Makes a key and writes it to a new file, which only this account may read.</summary>
    public static void Make(string path)
    {
        var key = RandomNumberGenerator.GetBytes(AesGcmBox.KeySize);
        var creation = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            creation.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var file = new FileStream(path, creation);
        using var writer = new StreamWriter(file);
        writer.WriteLine(Convert.ToBase64String(key));
        writer.Flush();
        file.Flush(flushToDisk: true);
        CryptographicOperations.ZeroMemory(key);
    }
}
