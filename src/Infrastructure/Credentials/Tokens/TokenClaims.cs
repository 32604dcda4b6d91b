using System.Text.Json;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Text;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>Reads the caller from the claims of a token whose signature is verified.</summary>
internal sealed class TokenClaims(IOptions<JwtOptions> options)
{
    private const Scopes DefaultScopes = Scopes.SecretsRead | Scopes.SecretsWrite;
    private const int MaxOrganizations = 100;

    /// <summary>Allowed difference between the issuer's clock and the service's.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);

    private readonly string _organizations = options.Value.OrganizationsClaim;
    private readonly Scopes _ceiling = options.Value.Ceiling ?? Scopes.None;

    /// <summary>Reads the caller and the end of the token's lifetime.</summary>
    /// <exception cref="RefusedTokenException">The token has another issuer or audience, is not valid now, or has a malformed claim.</exception>
    public (Caller Caller, DateTimeOffset End) Read(JsonElement claims, Trust trust, DateTimeOffset now)
    {
        var issuer = claims.TryGetProperty("iss", out var iss) ? iss.Text("iss") : null;
        if (trust.Issuer is { } expected && !string.Equals(issuer, expected, StringComparison.Ordinal))
        {
            throw new RefusedTokenException("has another issuer", RefusalKind.Unknown);
        }

        if (issuer is not null && !TextLength.IsStorable(issuer))
        {
            throw new RefusedTokenException("has a malformed iss");
        }

        RequireAudience(claims, trust.Audiences);
        var end = RequireLifetime(claims, now);
        var subject = claims.TryGetProperty("sub", out var sub) ? sub.Text("sub") : throw new RefusedTokenException("has no subject (sub)");
        RequireText(subject, UserName.Length, "sub");
        if (NameUuid.Parse(subject) is { } id)
        {
            RequireForeign(id);
        }

        var caller = new Caller(
            NameUuid.ForSubject(issuer ?? "", subject), ScopesOf(claims), MembershipsOf(claims), Credential.OfToken(issuer ?? "", subject, end));
        return (caller, end);
    }

    /// <summary>Refuses ids that the service assigns. A person who registers such an id as a name at the issuer would become that user.</summary>
    private static void RequireForeign(Guid subject)
    {
        if (subject.Version == 5)
        {
            throw new RefusedTokenException("has a version 5 uuid as its subject (sub): only the service computes those, from names");
        }

        if (subject == Guid.Empty || subject == Credential.BootstrapUser)
        {
            throw new RefusedTokenException("has the nil uuid or the id of the bootstrap key's user as its subject (sub)");
        }
    }

    private static void RequireAudience(JsonElement claims, IReadOnlyList<string> audiences)
    {
        if (audiences.Count == 0)
        {
            return;
        }

        var addressed = claims.TryGetProperty("aud", out var audience) ? audience.Texts("aud") : [];
        if (!addressed.Intersect(audiences, StringComparer.Ordinal).Any())
        {
            throw new RefusedTokenException("is for another audience", RefusalKind.Unknown);
        }
    }

    private static DateTimeOffset RequireLifetime(JsonElement claims, DateTimeOffset now)
    {
        var expiry = claims.Moment("exp") ?? throw new RefusedTokenException("has no expiry (exp)");

        // Some issuers write "never" as the last representable moment: adding the skew would overflow.
        var end = expiry < DateTimeOffset.MaxValue - Skew ? expiry + Skew : DateTimeOffset.MaxValue;
        if (now >= end)
        {
            throw new RefusedTokenException("is expired", RefusalKind.Expired);
        }

        if (claims.Moment("nbf") > now + Skew || claims.Moment("iat") > now + Skew)
        {
            throw new RefusedTokenException("is not valid yet", RefusalKind.Expired);
        }

        return end;
    }

    private Scopes ScopesOf(JsonElement claims)
    {
        var ours = Scopes.None;
        foreach (var claim in (string[])["scope", "scp"])
        {
            if (claims.TryGetProperty(claim, out var names))
            {
                ours = names.Texts(claim)
                    .SelectMany(text => text.Split(' '))
                    .Aggregate(ours, (all, name) => all | (ScopeNames.Parse(name) ?? Scopes.None));
            }
        }

        // The ceiling applies last: a token with only disallowed scopes has no scopes. It must not get the default scopes.
        return (ours == Scopes.None ? DefaultScopes : ours) & _ceiling;
    }

    private List<Membership> MembershipsOf(JsonElement claims)
    {
        if (!claims.TryGetProperty(_organizations, out var organizations))
        {
            return [];
        }

        var memberships = List(organizations, MaxOrganizations, "organisations").Select(MembershipOf).ToList();
        return memberships.DistinctBy(membership => membership.OrganizationId, StringComparer.Ordinal).Count() == memberships.Count
            ? memberships
            : throw new RefusedTokenException("names one organisation twice");
    }

    private static Membership MembershipOf(JsonElement organization)
    {
        if (organization.ValueKind != JsonValueKind.Object || !organization.TryGetProperty("id", out var id))
        {
            throw new RefusedTokenException("has malformed organisations");
        }

        var name = id.Text("organisation's id");
        RequireText(name, Membership.OrganizationIdLength, "organisation's id");
        var role = organization.TryGetProperty("role", out var text) ? RoleNames.Parse(text.Text("role")) : OrganizationRole.Member;
        var workspaces = organization.TryGetProperty("workspaces", out var list)
            ? List(list, Membership.MaxWorkspaces, "workspaces").Select(workspace => workspace.Text("workspace")).Distinct(StringComparer.Ordinal).ToList()
            : [];
        workspaces.ForEach(workspace => RequireText(workspace, Membership.WorkspaceLength, "workspace"));
        return new Membership(name, role ?? throw new RefusedTokenException("has an unknown role"), workspaces);
    }

    private static JsonElement.ArrayEnumerator List(JsonElement element, int most, string what) =>
        element.ValueKind == JsonValueKind.Array && element.GetArrayLength() <= most
            ? element.EnumerateArray()
            : throw new RefusedTokenException($"has malformed {what}, or more than {most}");

    private static void RequireText(string text, TextLength length, string what)
    {
        var count = TextLength.Measure(text);
        if (count < length.Minimum || count > length.Maximum || string.IsNullOrWhiteSpace(text) || !TextLength.IsStorable(text))
        {
            throw new RefusedTokenException($"has a malformed {what}");
        }
    }
}
