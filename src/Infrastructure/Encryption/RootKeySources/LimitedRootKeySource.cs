using System.Security.Cryptography;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Encryption.RootKeySources;

/// <summary>Limits the time that a source takes, and refuses a key of a wrong length.</summary>
/// <param name="source">The source.</param>
/// <param name="section">The section of its settings.</param>
/// <param name="limit">The time to wait for the key.</param>
/// <param name="time">The clock.</param>
internal sealed class LimitedRootKeySource(IRootKeySource source, string section, TimeSpan limit, TimeProvider time) : IRootKeySource
{
    public string Origin => source.Origin;

    public async Task<byte[]> ReadAsync(CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        byte[] key;
        try
        {
            key = await source.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StartupException(
                $"No root key came from {Origin} within {limit.TotalSeconds:0} seconds. Check that it can answer, or raise {section}:TimeoutSeconds.");
        }

        if (key.Length != AesGcmBox.KeySize)
        {
            var length = key.Length;
            CryptographicOperations.ZeroMemory(key);
            throw new StartupException($"The root key from {Origin} has {length} bytes, but must have {AesGcmBox.KeySize}. Correct {section}.");
        }

        return key;
    }
}
