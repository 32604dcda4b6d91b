using Microsoft.Extensions.Options;

namespace Secrets.Client;

/// <summary>The service's address, the credential and the limits of retries.</summary>
public sealed class SecretsClientOptions
{
    /// <summary>The service's address, such as <c>https://secrets.example/</c>. A path in it is kept.</summary>
    public Uri? BaseAddress { get; set; }

    /// <summary>An API key. Set either this or <see cref="TokenProvider"/>.</summary>
    public string? ApiKey { get; set; }

    /// <summary>Returns the JWT or API key to send. Called for every attempt, so the provider should cache a credential while it is valid.</summary>
    public Func<CancellationToken, ValueTask<string>>? TokenProvider { get; set; }

    /// <summary>The maximum number of retries of one call, 0 to 10. Default 3.</summary>
    public int MaxRetries { get; set; } = 3;

    /// <summary>The longest wait before a retry. Default 30 seconds. If <c>Retry-After</c> is longer, the call fails immediately.</summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(30);

    internal sealed class Validator : IValidateOptions<SecretsClientOptions>
    {
        public ValidateOptionsResult Validate(string? name, SecretsClientOptions options)
        {
            var wrong = new ValidateOptionsResultBuilder();
            if (options.BaseAddress is not { IsAbsoluteUri: true, Scheme: "http" or "https", Query: "", Fragment: "", UserInfo: "" })
            {
                wrong.AddError($"{nameof(BaseAddress)} must be the http or https address of the Secrets service.");
            }

            if (options.ApiKey is null == options.TokenProvider is null)
            {
                wrong.AddError($"Set either {nameof(ApiKey)} or {nameof(TokenProvider)}.");
            }

            // A key that was read from a file with its line break would fail in every call, with an error about headers.
            if (options.ApiKey is { } key && (key.Length == 0 || key.Any(letter => letter is <= ' ' or > '~')))
            {
                wrong.AddError($"{nameof(ApiKey)} must have at least one character, and only visible ASCII characters.");
            }

            if (options.MaxRetries is < 0 or > 10)
            {
                wrong.AddError($"{nameof(MaxRetries)} must be 0 to 10.");
            }

            if (options.MaxRetryDelay < TimeSpan.Zero || options.MaxRetryDelay > TimeSpan.FromHours(1))
            {
                wrong.AddError($"{nameof(MaxRetryDelay)} must be between zero and one hour.");
            }

            return wrong.Build();
        }
    }
}
