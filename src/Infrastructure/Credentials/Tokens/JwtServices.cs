using Microsoft.Extensions.Hosting;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Credentials.Tokens;

internal static class JwtServices
{
    private const int MaxSeconds = 86_400;

    public static IServiceCollection AddJwt(this IServiceCollection services, IHostEnvironment environment)
    {
        services.AddSettings<JwtOptions>(JwtOptions.Section)
            .ValidateExactText("Auth:Jwt:Authority", jwt => jwt.Authority)
            .ValidateExactText("Auth:Jwt:Audience", jwt => jwt.Audience)
            .ValidateExactText("Auth:Jwt:Issuer", jwt => jwt.Issuer)
            .ValidateExactText("Auth:Jwt:OrganizationsClaim", jwt => jwt.OrganizationsClaim)
            .Validate(jwt => !IsBlank(jwt.SigningKey), "Auth:Jwt:SigningKey must not be blank: leave it out to accept no tokens by a shared key.")
            .Validate(jwt => !IsBlank(jwt.AllowedScopes), "Auth:Jwt:AllowedScopes must not be blank: leave it out to allow every scope.")
            .Validate(
                jwt => !(jwt.HasAuthority && jwt.HasSigningKey),
                "Auth:Jwt:Authority and Auth:Jwt:SigningKey exclude each other: set the first to accept tokens by published keys, the second by a shared one.")
            .Validate(
                jwt => jwt.HasUsableAuthority(),
                "Auth:Jwt:Authority must be an https URL without query and user (http on loopback only).")
            .Validate(
                jwt => !jwt.HasAuthority || jwt.HasAudience,
                "Auth:Jwt:Audience is required with Auth:Jwt:Authority: without an audience, tokens for other services would be accepted.")
            .Validate(
                jwt => !jwt.HasAudience || jwt.HasAuthority || jwt.HasSigningKey,
                "Auth:Jwt:Audience needs Auth:Jwt:Authority or Auth:Jwt:SigningKey: without either no token is accepted. Set one of them, or leave the audience out.")
            .Validate(
                jwt => jwt.HasUsableSigningKey(),
                $"Auth:Jwt:SigningKey must be at least {JwtOptions.MinSigningKeyBytes} bytes in base64; `openssl rand -base64 32` makes one.")
            .Validate(jwt => !string.IsNullOrWhiteSpace(jwt.OrganizationsClaim), "Auth:Jwt:OrganizationsClaim must name a claim, or be left out.")
            .Validate(jwt => jwt.Ceiling is not null, "Auth:Jwt:AllowedScopes names a scope that does not exist; put spaces between names.")
            .Validate(
                jwt => jwt is { RefreshSeconds: >= 1 and <= MaxSeconds, KeyLifetimeSeconds: >= 1 and <= MaxSeconds },
                $"Auth:Jwt:RefreshSeconds and Auth:Jwt:KeyLifetimeSeconds must be from 1 to {MaxSeconds}.");
        services.AddSettings<UserJwtsOptions>(UserJwtsOptions.Section);
        services.AddSettings<UserNameOptions>(UserNameOptions.Section)
            .PostConfigure<IOptions<UserJwtsOptions>>((users, tool) =>
            {
                // In development, names resolve to the same ids before and after the first token of `dotnet user-jwts`.
                if (environment.IsDevelopment())
                {
                    users.OwnIssuer = tool.Value.ValidIssuer;
                }
            })
            .ValidateExactText("Auth:Users:Issuer", users => users.Issuer);
        services.AddSingleton<UserIssuer>();
        services.AddSingleton<IUserIssuer>(provider => provider.GetRequiredService<UserIssuer>());
        services.AddSingleton<UserNames>();
        services.AddSingleton<IUserNames>(provider => provider.GetRequiredService<UserNames>());
        services.AddSingleton<AuthorityClient>();
        services.AddSingleton<AuthorityTrust>();
        services.AddSingleton(provider => SourceOf(provider, environment));
        services.AddSingleton<TokenClaims>();
        services.AddSingleton<AcceptedTokens>();
        services.AddSingleton<TokenAuthenticator>();
        return services;
    }

    private static bool IsBlank(string? text) => text is { Length: > 0 } && string.IsNullOrWhiteSpace(text);

    private static ITrustSource SourceOf(IServiceProvider provider, IHostEnvironment environment)
    {
        var jwt = provider.GetRequiredService<IOptions<JwtOptions>>().Value;
        return jwt switch
        {
            { HasAuthority: true } => provider.GetRequiredService<AuthorityTrust>(),
            { HasSigningKey: true } => new FixedTrust(
                new Trust(jwt.ExpectedIssuer, jwt.Audiences, [VerificationKey.FromSecret(Convert.FromBase64String(jwt.SigningKey!))])),
            _ => new FixedTrust(environment.IsDevelopment() ? provider.GetRequiredService<IOptions<UserJwtsOptions>>().Value.ToTrust() : null),
        };
    }
}
