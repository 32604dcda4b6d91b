using System.Text.Json;
using System.Text.Json.Serialization;

namespace Secrets.Client;

/// <summary>
/// Calls the service. <see cref="DependencyInjection.AddSecretsClient"/> registers it. Without dependency injection, give it an
/// <see cref="HttpClient"/> with a base address that ends in <c>/</c> and a credential in its default headers. Such a client does not retry. Thread-safe.
/// </summary>
public partial class SecretsClient
{
    static partial void UpdateJsonSerializerSettings(JsonSerializerOptions settings)
    {
        settings.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        settings.Converters.Add(new SecretText.Converter());
    }

    private static async Task<T> ReadAsync<T>(
        HttpResponseMessage response, IReadOnlyDictionary<string, IEnumerable<string>> headers, CancellationToken cancellationToken)
    {
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            var result = await JsonSerializer.DeserializeAsync<T>(body, _settings.Value, cancellationToken).ConfigureAwait(false)
                ?? throw new JsonException();
            if (result is SecretInfo secret)
            {
                secret.ETag = response.Headers.ETag?.ToString();
            }

            return result;
        }
        catch (JsonException exception)
        {
            throw new SecretsApiException(
                $"The response is not the JSON of a {typeof(T).Name}.", (int)response.StatusCode, response: null, headers, exception);
        }
    }
}

public sealed partial class SecretInfo
{
    /// <summary>The entity tag of this version. As <c>ifMatch</c> of an update or a delete it prevents lost updates. Null in a list.</summary>
    [JsonIgnore]
    public string? ETag { get; internal set; }
}
