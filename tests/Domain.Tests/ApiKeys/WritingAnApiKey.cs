using System.Security.Cryptography;
using System.Text;
using Secrets.Domain.ApiKeys;

namespace Secrets.Domain.Tests;

public sealed class WritingAnApiKey
{
    private const string LettersAndDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>
    /// A fixed key, because issued keys must stay well-formed. The checksum is the first 32 bits of SHA-256 in base 62.
    /// </summary>
    private const string Known = "secsvc_Example0010000000000NotASecretButLongEnough0002dU27x";

    [Fact]
    public void An_old_key_is_well_formed() => Assert.True(ApiKeyText.IsWellFormed(Known));

    [Fact]
    public void New_keys_are_well_formed_and_unique()
    {
        var keys = Enumerable.Range(0, 10_000).Select(_ => ApiKeyText.Generate()).ToArray();

        Assert.All(keys, key =>
        {
            Assert.True(ApiKeyText.IsWellFormed(key));
            Assert.Equal(59, key.Length);
            Assert.StartsWith("secsvc_", key, StringComparison.Ordinal);
            Assert.All(key["secsvc_".Length..], character => Assert.True(char.IsAsciiLetterOrDigit(character)));
        });
        Assert.Equal(keys.Length, keys.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(keys.Length, keys.Select(ApiKeyText.PrefixOf).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(keys.Length, keys.Select(SecretPartOf).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Every_position_of_a_new_key_takes_every_letter_and_digit()
    {
        // 62 characters, 5,000 draws: the probability that a character is missing at some position is at most 46 * 62 * (61/62)^5000, under 1e-31.
        var keys = Enumerable.Range(0, 5_000).Select(_ => ApiKeyText.Generate()).ToArray();
        for (var at = 7; at < 53; at++)
        {
            Assert.Equal(LettersAndDigits, string.Concat(keys.Select(key => key[at]).Distinct().Order()));
        }
    }

    [Fact]
    public void A_key_with_one_replaced_character_is_malformed()
    {
        // The key is fixed, because a checksum of 32 bits cannot guarantee this for every key.
        var characters = LettersAndDigits + "_-+/= *\0\u00E9\u0430\uFFFD\uD83D";
        for (var at = 0; at < Known.Length; at++)
        {
            foreach (var character in characters.Where(character => character != Known[at]))
            {
                var text = Known[..at] + character + Known[(at + 1)..];
                Assert.False(ApiKeyText.IsWellFormed(text), $"U+{(int)character:X4} at {at}");
            }
        }
    }

    [Fact]
    public void A_typo_in_a_new_key_is_detected()
    {
        // Each of the 5,900 texts passes with a probability of 2^-32, so this test fails falsely once in 700,000 runs.
        foreach (var key in Enumerable.Range(0, 50).Select(_ => ApiKeyText.Generate()))
        {
            for (var at = 0; at < key.Length; at++)
            {
                var replaced = key[at] == 'x' ? 'y' : 'x';
                var swapped = char.IsAsciiLetterLower(key[at]) ? char.ToUpperInvariant(key[at]) : char.ToLowerInvariant(key[at]);
                Assert.False(ApiKeyText.IsWellFormed(key[..at] + replaced + key[(at + 1)..]), $"another character at {at}");
                Assert.Equal(swapped == key[at], ApiKeyText.IsWellFormed(key[..at] + swapped + key[(at + 1)..]));
            }
        }
    }

    [Fact]
    public void Truncated_and_extended_keys_are_malformed()
    {
        for (var length = 0; length < Known.Length; length++)
        {
            Assert.False(ApiKeyText.IsWellFormed(Known[..length]));
            Assert.False(ApiKeyText.IsWellFormed(Known[(Known.Length - length)..]));
            Assert.False(ApiKeyText.IsWellFormed(Known.Remove(length, 1)));
            Assert.False(ApiKeyText.IsWellFormed(Known.Insert(length, "0")));
        }

        Assert.False(ApiKeyText.IsWellFormed(Known + "0"));
        Assert.False(ApiKeyText.IsWellFormed(Known + "\n"));
        Assert.False(ApiKeyText.IsWellFormed(" " + Known));
        Assert.False(ApiKeyText.IsWellFormed(Known + Known));
    }

    [Fact]
    public void A_valid_checksum_alone_does_not_make_a_key()
    {
        Assert.Equal(Known, WithChecksum(Known[..53]));
        Assert.False(ApiKeyText.IsWellFormed(WithChecksum("SECSVC_" + Known[7..53])));
        Assert.False(ApiKeyText.IsWellFormed(WithChecksum(Known[..53] + "0")));
        Assert.False(ApiKeyText.IsWellFormed(WithChecksum(Known[..52])));
        Assert.False(ApiKeyText.IsWellFormed(WithChecksum("")));
    }

    [Fact]
    public void The_displayed_prefix_does_not_depend_on_the_secret_part()
    {
        for (var run = 0; run < 100; run++)
        {
            var (one, other) = (ApiKeyText.Generate(), ApiKeyText.Generate());
            var mixed = one[..17] + other[17..];

            Assert.Equal(one[..17], ApiKeyText.PrefixOf(one));
            Assert.Equal(ApiKeyText.PrefixOf(one), ApiKeyText.PrefixOf(mixed));
            Assert.Equal(36, SecretPartOf(one).Length);
            Assert.DoesNotContain(SecretPartOf(one)[..8], ApiKeyText.PrefixOf(one), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_stored_key_holds_only_the_hash_of_its_text()
    {
        var stored = new ApiKey(
            Guid.Empty, "name", Known, Scopes.SecretsRead, Guid.Empty, membership: null, Guid.Empty, DateTimeOffset.UnixEpoch);

        Assert.Equal(SHA256.HashData(Encoding.UTF8.GetBytes(Known)), stored.Hash);
        Assert.NotEqual(ApiKeyText.HashOf(Known[..^1]), ApiKeyText.HashOf(Known));
        var texts = typeof(ApiKey).GetProperties().Where(property => property.PropertyType == typeof(string))
            .Select(property => (string?)property.GetValue(stored)).OfType<string>().ToArray();
        Assert.Contains("secsvc_Example001", texts);
        Assert.All(texts, text => Assert.DoesNotContain("NotASecret", text, StringComparison.Ordinal));
    }

    [Fact]
    public void A_key_is_refused_from_the_moment_it_expires()
    {
        var end = new DateTimeOffset(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);
        var key = new ApiKey(
            Guid.Empty, "name", Known, Scopes.SecretsRead, Guid.Empty, membership: null, Guid.Empty, end.AddDays(-1))
        {
            ExpiresAt = end,
        };

        Assert.True(key.IsAccepted(end.AddTicks(-1)));
        Assert.False(key.IsAccepted(end));
        Assert.False(key.IsAccepted(end.AddDays(1)));
    }

    private static string SecretPartOf(string key) => key[17..53];

    private static string WithChecksum(string body)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(body));
        var number = ((uint)hash[0] << 24) | ((uint)hash[1] << 16) | ((uint)hash[2] << 8) | hash[3];
        var digits = "";
        for (var digit = 0; digit < 6; digit++)
        {
            digits = LettersAndDigits[(int)(number % 62)] + digits;
            number /= 62;
        }

        return body + digits;
    }
}
