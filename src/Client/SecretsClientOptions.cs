using Microsoft.Extensions.Options;

namespace Secrets.Client;

/// <summary>Where the service is and who asks it.</summary>
public sealed class SecretsClientOptions
{
    /// <summary>The service, such as <c>https://secrets.example/</c>; a path below which it is served is kept.</summary>
    public Uri? BaseAddress { get; set; }

    /// <summary>An API key. Either this or <see cref="TokenProvider"/>.</summary>
    public string? ApiKey { get; set; }

    /// <summary>Gives the JWT or API key to send; asked for every attempt, so it should keep what is still valid.</summary>
    public Func<CancellationToken, ValueTask<string>>? TokenProvider { get; set; }

    /// <summary>How often a call is tried again at most; 0: never. 0 to 10, default 3.</summary>
    public int MaxRetries { get; set; } = 3;

    /// <summary>
    /// The longest wait before another attempt, default 30 seconds. When the service asks for more, its answer goes to the caller at once.
    /// </summary>
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

            // A key with a line break, as read from a file, would fail in every call with an error about headers.
            if (options.ApiKey is { } key && (key.Length == 0 || key.Any(letter => letter is <= ' ' or > '~')))
            {
                wrong.AddError($"{nameof(ApiKey)} must not be empty and consists of visible ASCII characters.");
            }

            if (options.MaxRetries is < 0 or > 10)
            {
                wrong.AddError($"{nameof(MaxRetries)} must be 0 to 10.");
            }

            if (options.MaxRetryDelay < TimeSpan.Zero || options.MaxRetryDelay > TimeSpan.FromHours(1))
            {
                wrong.AddError($"{nameof(MaxRetryDelay)} must be between nothing and an hour.");
            }

            return wrong.Build();
        }
    }
}
