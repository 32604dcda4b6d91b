using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Credentials.Tokens;

namespace Secrets.Infrastructure.Tests.Jwt;

public sealed class CachingAcceptedTokens
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Caller Caller = new(Guid.NewGuid(), Scopes.SecretsRead, [], Credential.OfToken("issuer", "subject", Now));

    private readonly AcceptedTokens _tokens = new();
    private readonly Trust _trust = new("issuer", [], []);

    [Fact]
    public void A_token_is_found_until_its_end_and_not_at_it()
    {
        _tokens.Add("token", _trust, Caller, Now.AddSeconds(1));
        Assert.True(_tokens.TryFind("token", _trust, Now, out var found));
        Assert.Same(Caller, found);
        Assert.True(_tokens.TryFind("token", _trust, Now.AddSeconds(1).AddTicks(-1), out _));
        Assert.False(_tokens.TryFind("token", _trust, Now.AddSeconds(1), out _));
        Assert.False(_tokens.TryFind("tokem", _trust, Now, out _));
    }

    [Fact]
    public void Under_another_trust_nothing_is_found_even_if_it_is_the_same_in_words()
    {
        _tokens.Add("token", _trust, Caller, Now.AddSeconds(1));
        Assert.False(_tokens.TryFind("token", _trust with { }, Now, out _));
        Assert.False(_tokens.TryFind("token", trust: null, Now, out _));
    }

    [Fact]
    public void A_token_that_is_used_stays_and_one_that_is_not_is_gone_after_two_generations()
    {
        _tokens.Add("used", _trust, Caller, Now.AddSeconds(1));
        _tokens.Add("not used", _trust, Caller, Now.AddSeconds(1));
        for (var at = 0; at < 2 * AcceptedTokens.Capacity; at++)
        {
            _tokens.Add($"{at}", _trust, Caller, Now.AddSeconds(1));
            Assert.True(at % 1_000 != 0 || _tokens.TryFind("used", _trust, Now, out _), $"{at}");
        }

        Assert.True(_tokens.TryFind("used", _trust, Now, out _));
        Assert.False(_tokens.TryFind("not used", _trust, Now, out _));
        Assert.True(_tokens.TryFind($"{(2 * AcceptedTokens.Capacity) - 1}", _trust, Now, out _));
    }

    [Fact]
    public void No_less_than_one_generation_and_no_more_than_two_are_kept()
    {
        for (var at = 0; at < 3 * AcceptedTokens.Capacity; at++)
        {
            _tokens.Add($"{at}", _trust, Caller, Now.AddSeconds(1));
        }

        // The newest first: a look-up moves a token to the young generation, which displaces the old one.
        var kept = Enumerable.Range(1, 3 * AcceptedTokens.Capacity).Count(at => _tokens.TryFind($"{(3 * AcceptedTokens.Capacity) - at}", _trust, Now, out _));
        Assert.InRange(kept, AcceptedTokens.Capacity, 2 * AcceptedTokens.Capacity);
    }
}
