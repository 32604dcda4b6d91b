using System.Text.Json;
using Microsoft.IdentityModel.Tokens;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>Reads the authority's issuer and signing keys over HTTP.</summary>
internal sealed class AuthorityClient(IOptions<JwtOptions> options) : IDisposable
{
    private const int MaxResponseBytes = 256 * 1024;

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(5);

    // No redirects: only the configured addresses are checked.
    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        PooledConnectionLifetime = TimeSpan.FromMinutes(1),
    })
    {
        Timeout = RequestTimeout,
        MaxResponseContentBufferSize = MaxResponseBytes,
    };

    /// <summary>Reads the discovery document and the keys.</summary>
    /// <exception cref="AuthorityException">The authority did not answer, or its answer is unusable.</exception>
    public async Task<Trust> FetchAsync()
    {
        var settings = options.Value;
        var authority = settings.Authority!.TrimEnd('/');
        var discovery = Parse(await GetAsync(new Uri($"{authority}/.well-known/openid-configuration")));
        var (issuer, keysAt) = (TextOf(discovery, "issuer"), TextOf(discovery, "jwks_uri"));
        if (settings.ExpectedIssuer is null && !string.Equals(issuer.TrimEnd('/'), authority, StringComparison.Ordinal))
        {
            throw new AuthorityException("its discovery document names another issuer; if that is intended, set Auth:Jwt:Issuer");
        }

        if (!Uri.TryCreate(keysAt, UriKind.Absolute, out var address) || !SafeAddress.IsSafe(address))
        {
            throw new AuthorityException("jwks_uri in its discovery document is not an https address");
        }

        return new Trust(settings.ExpectedIssuer ?? issuer, settings.Audiences, KeysIn(await GetAsync(address)));
    }

    public void Dispose() => _http.Dispose();

    private async Task<string> GetAsync(Uri address)
    {
        try
        {
            return await _http.GetStringAsync(address);
        }
        catch (HttpRequestException exception)
        {
            throw new AuthorityException(
                exception.StatusCode is { } status ? $"it answered {(int)status}" : $"no answer ({exception.HttpRequestError})", exception);
        }
        catch (Exception exception) when (exception is TaskCanceledException or InvalidOperationException)
        {
            // InvalidOperationException: unknown charset.
            throw new AuthorityException($"no answer that can be read within {RequestTimeout.TotalSeconds:0} s", exception);
        }
    }

    private static JsonElement Parse(string json)
    {
        try
        {
            return JsonElement.Parse(json);
        }
        catch (JsonException exception)
        {
            throw new AuthorityException("its discovery document is not JSON", exception);
        }
    }

    private static string TextOf(JsonElement discovery, string name) =>
        discovery.ValueKind == JsonValueKind.Object
        && discovery.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String
            ? member.GetString()!
            : throw new AuthorityException($"its discovery document lacks {name}");

    /// <summary>Accepts a set without usable keys: an authority publishes one to withdraw all its keys.</summary>
    private static List<VerificationKey> KeysIn(string json)
    {
        try
        {
            return [.. new JsonWebKeySet(json).Keys.Select(VerificationKey.FromPublished).OfType<VerificationKey>()];
        }
        catch (ArgumentException exception)
        {
            throw new AuthorityException("its keys are not a JSON Web Key Set", exception);
        }
    }
}

/// <summary>The authority could not be reached or read. The message is the reason, for the log.</summary>
internal sealed class AuthorityException(string message, Exception? inner = null) : Exception(message, inner);
