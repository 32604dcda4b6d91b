namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>Authenticates JWTs: parses, verifies the signature, then reads claims. No claim is used before the signature verifies.</summary>
internal sealed class TokenAuthenticator(ITrustSource source, TokenClaims claims, AcceptedTokens accepted, TimeProvider time)
{
    public async Task<CredentialVerdict> AuthenticateAsync(string text, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (text.Length <= CompactToken.MaxLength && accepted.TryFind(text, source.Current, now, out var known))
        {
            return new CredentialVerdict(known);
        }

        CompactToken? token = null;
        var isSigned = false;
        try
        {
            token = CompactToken.Read(text);
            var trust = await source.GetAsync(token.KeyId, cancellationToken);
            trust.RequireSigned(token);
            isSigned = true;
            var (caller, end) = claims.Read(token.Claims, trust, now);
            accepted.Add(text, trust, caller, end);
            return new CredentialVerdict(caller);
        }
        catch (RefusedTokenException refused)
        {
            return new CredentialVerdict($"JWT {refused.Message}") { Kind = refused.Kind, Subject = token?.Subject, IsSigned = isSigned };
        }
    }
}
