using Secrets.Infrastructure.Credentials.Tokens;

namespace Secrets.Infrastructure.Tests.Jwt;

public sealed class NamingSubjects
{
    private const string Issuer = "https://issuer.example";

    [Fact]
    public void A_uuid_of_a_name_is_that_of_RFC_9562()
    {
        // RFC 9562, appendix A.4.
        Assert.Equal(
            Guid.Parse("2ed6657d-e927-568b-95e1-2665a8aea6a2"),
            NameUuid.FromName(Guid.Parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), "www.example.com"));
    }

    [Theory]
    [InlineData("0193e5a0-0000-7000-8000-0123456789ab")]
    [InlineData("0193E5A0-0000-7000-8000-0123456789AB")]
    [InlineData("00000000-0000-0000-0000-000000000001")]
    public void A_uuid_stays_what_it_is(string subject) => Assert.Equal(Guid.Parse(subject), NameUuid.ForSubject(Issuer, subject));

    [Theory]
    [InlineData("auth0|5f7c8ec7c33c6c004bbafe82")]
    [InlineData("0193e5a000007000800000123456789ab")]
    [InlineData("{0193e5a0-0000-7000-8000-0123456789ab}")]
    [InlineData(" 0193e5a0-0000-7000-8000-0123456789ab")]
    [InlineData("+193e5a0-0000-7000-8000-0123456789ab")]
    [InlineData("0x93e5a0-0000-7000-8000-0123456789ab")]
    [InlineData("Ana")]
    public void Anything_else_is_a_name_of_its_issuer(string subject)
    {
        var user = NameUuid.ForSubject(Issuer, subject);
        Assert.Equal(5, user.Version);
        Assert.InRange(user.Variant, 8, 11);
        Assert.Equal(user, NameUuid.ForSubject(Issuer, subject));
        Assert.NotEqual(user, NameUuid.ForSubject(Issuer + "/", subject));
        Assert.NotEqual(user, NameUuid.ForSubject(Issuer, subject + " "));
    }

    [Fact]
    public void What_issuer_and_subject_spell_together_is_not_what_counts() =>
        Assert.NotEqual(NameUuid.ForSubject("https://a", "bc"), NameUuid.ForSubject("https://ab", "c"));

    [Fact]
    public void A_subject_is_the_same_user_for_ever() =>
        Assert.Equal(Guid.Parse("b01c6509-18e7-5f4b-a7e1-dc804d13596b"), NameUuid.ForSubject(Issuer, "ana"));
}
