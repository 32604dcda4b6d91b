using System.Buffers.Text;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Azure.Core;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Encryption.RootKeySources;

/// <summary>A file with the encrypted key, which Azure Key Vault unwraps with an RSA key. The login comes from the default chain of Azure.Identity.</summary>
internal sealed class AzureKeyVaultRootKeySource(RootKeySettings settings, string section, Lazy<TokenCredential> login) : IRootKeySource
{
    private const string Algorithm = "RSA-OAEP-256";
    private const int MaxResponseBytes = 16 * 1024;

    private static readonly TokenRequestContext Scope = new(["https://vault.azure.net/.default"]);

    public string Origin => $"Azure Key Vault (key {settings.KeyId}, file {settings.WrappedFile})";

    public async Task<byte[]> ReadAsync(CancellationToken cancellationToken)
    {
        var wrapped = await KeyText.ReadFileAsync(
            settings.WrappedFile!, $"The file in {section}:WrappedFile, {settings.WrappedFile},", "the encrypted root key", advice: "", cancellationToken);
        var token = await TokenAsync(cancellationToken);

        // No redirects: only the configured address is checked, and the request carries a token.
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { Timeout = Timeout.InfiniteTimeSpan };
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{settings.VaultUri!.TrimEnd('/')}/keys/{settings.KeyId}/unwrapkey?api-version=7.4")
        {
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
            Content = new StringContent(
                JsonSerializer.Serialize(new { alg = Algorithm, value = Base64Url.EncodeToString(wrapped) }), Encoding.UTF8, "application/json"),
        };
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            var json = await KeyText.ReadAsync(body, MaxResponseBytes, cancellationToken);
            return response.IsSuccessStatusCode ? KeyIn(json) : throw Refused(response, json);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            var reason = (exception as HttpRequestException)?.HttpRequestError ?? HttpRequestError.ResponseEnded;
            throw new StartupException($"The vault in {section}:VaultUri, {settings.VaultUri}, cannot be reached ({reason}).");
        }
    }

    private async Task<string> TokenAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await login.Value.GetTokenAsync(Scope, cancellationToken).AsTask().WaitAsync(cancellationToken)).Token;
        }
        catch when (!cancellationToken.IsCancellationRequested)
        {
            throw new StartupException(
                $"The provider AzureKeyVault in {section}:Provider finds no Azure login. Give the host or the pod a managed or workload identity, "
                + "or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.");
        }
    }

    private StartupException Refused(HttpResponseMessage response, byte[]? json) => new(
        $"The vault in {section}:VaultUri, {settings.VaultUri}, does not unwrap {settings.WrappedFile} with the key in {section}:KeyId, {settings.KeyId}: "
        + $"{RefusalReason.Of(CodeIn(json), response.StatusCode)}. The login needs the right keys/unwrapKey, "
        + $"and the file must be encrypted under this version of the key with {Algorithm}.");

    /// <summary>The member <c>value</c> of the response, decoded. The response is cleared.</summary>
    private byte[] KeyIn(byte[]? json)
    {
        var text = TextAt(json, "value");
        CryptographicOperations.ZeroMemory(json);
        if (text is null || !Base64Url.IsValid(text))
        {
            throw new StartupException($"The vault in {section}:VaultUri, {settings.VaultUri}, sent no answer that can be read.");
        }

        var key = Base64Url.DecodeFromUtf8(text);
        CryptographicOperations.ZeroMemory(text);
        return key;
    }

    private static string? CodeIn(byte[]? json) => TextAt(json, "error", "code") is { } code ? Encoding.UTF8.GetString(code) : null;

    /// <summary>A text inside of objects, as UTF-8; null if there is none. No string is made, because nobody can clear a string.</summary>
    private static byte[]? TextAt(byte[]? json, params ReadOnlySpan<string> path)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            var depth = 0;
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.PropertyName && reader.CurrentDepth == depth + 1 && reader.ValueTextEquals(path[depth]))
                {
                    depth++;
                    if (depth == path.Length)
                    {
                        return reader.Read() && reader.TokenType is JsonTokenType.String && !reader.ValueIsEscaped ? reader.ValueSpan.ToArray() : null;
                    }
                }
            }
        }
        catch (JsonException)
        {
            // Not JSON. The exception may repeat a part of the text.
        }

        return null;
    }
}
