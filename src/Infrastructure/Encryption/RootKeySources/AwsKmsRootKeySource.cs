using System.Security.Cryptography;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using Amazon.Runtime.Credentials;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Encryption.RootKeySources;

/// <summary>A file with the encrypted key, which AWS KMS decrypts. Region and login come from the SDK's default chain.</summary>
internal sealed class AwsKmsRootKeySource(RootKeySettings settings, string section) : IRootKeySource
{
    /// <summary>KMS decrypts only what was encrypted with the same context, so no other ciphertext under this key becomes a root key.</summary>
    private static readonly Dictionary<string, string> Context = new(StringComparer.Ordinal) { ["purpose"] = "secrets-root-key" };

    public string Origin => $"AWS KMS (key {settings.KeyId}, file {settings.WrappedFile})";

    public async Task<byte[]> ReadAsync(CancellationToken cancellationToken)
    {
        var wrapped = await KeyText.ReadFileAsync(
            settings.WrappedFile!, $"The file in {section}:WrappedFile, {settings.WrappedFile},", "the encrypted root key", advice: "", cancellationToken);

        // The SDK looks for a region and a login on the calling thread, and asks the metadata service of EC2 without a token that cancels.
        return await Task.Run(() => DecryptAsync(wrapped, cancellationToken), cancellationToken).WaitAsync(cancellationToken);
    }

    private async Task<byte[]> DecryptAsync(byte[] wrapped, CancellationToken cancellationToken)
    {
        var config = Configuration();
        using var client = new AmazonKeyManagementServiceClient(await LoginAsync(config), config);
        var request = new DecryptRequest { KeyId = settings.KeyId, CiphertextBlob = new MemoryStream(wrapped), EncryptionContext = Context };
        try
        {
            var response = await client.DecryptAsync(request, cancellationToken);
            return Take(response.Plaintext) ?? throw Unreadable();
        }
        catch (Exception exception) when (exception is AmazonServiceException or AmazonClientException or HttpRequestException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw FailureOf(exception);
        }
    }

    /// <summary>Names the reason. The exception may repeat the response, and the response contains the key.</summary>
    private StartupException FailureOf(Exception exception) =>
        exception.Find<HttpRequestException>() is { } connection ? new StartupException(
            $"AWS KMS cannot be reached for the key in {section}:KeyId, {settings.KeyId} ({connection.HttpRequestError}). "
            + $"Check network and region, or set {section}:ServiceUrl.")
        : exception is AmazonServiceException refusal and not AmazonUnmarshallingException ? new StartupException(
            $"AWS KMS does not decrypt {settings.WrappedFile} with the key in {section}:KeyId, {settings.KeyId}: "
            + $"{RefusalReason.Of(refusal.ErrorCode, refusal.StatusCode)}. "
            + "The login needs the right kms:Decrypt, and the file must be encrypted under this key with the encryption context purpose=secrets-root-key.")
        : Unreadable();

    private StartupException Unreadable() => new($"AWS KMS sent no answer that can be read for the key in {section}:KeyId, {settings.KeyId}.");

    private AmazonKeyManagementServiceConfig Configuration()
    {
        var config = new AmazonKeyManagementServiceConfig { AllowAutoRedirect = false };
        if (config.RegionEndpoint is not { } region)
        {
            throw new StartupException($"The provider AwsKms in {section}:Provider needs a region: set AWS_REGION.");
        }

        if (settings.ServiceUrl is { Length: > 0 } address)
        {
            // An address replaces the region of a configuration, but requests are signed for a region.
            (config.ServiceURL, config.AuthenticationRegion) = (address, region.SystemName);
        }

        return config;
    }

    private async Task<AWSCredentials> LoginAsync(AmazonKeyManagementServiceConfig config)
    {
        try
        {
            var login = await DefaultAWSCredentialsIdentityResolver.GetCredentialsAsync(config);
            await login.GetCredentialsAsync();
            return login;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw new StartupException(
                $"The provider AwsKms in {section}:Provider finds no AWS login. Give the host, the pod or the task a role, "
                + "or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.");
        }
    }

    private static byte[]? Take(MemoryStream? plaintext)
    {
        var key = plaintext?.ToArray();
        if (plaintext?.TryGetBuffer(out var buffer) == true)
        {
            CryptographicOperations.ZeroMemory(buffer);
        }

        return key;
    }
}
