using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Encryption.RootKeySources;

/// <summary>A place that a root key comes from. The key is read once, at start.</summary>
internal interface IRootKeySource
{
    /// <summary>Names the place in the middle of a sentence, such as "the file /run/secrets/root_key". It never contains key bytes.</summary>
    string Origin { get; }

    /// <summary>Reads the key: <see cref="AesGcmBox.KeySize"/> bytes.</summary>
    /// <exception cref="StartupException">There is no usable key. The message names the setting and contains nothing that was read.</exception>
    Task<byte[]> ReadAsync(CancellationToken cancellationToken);
}
