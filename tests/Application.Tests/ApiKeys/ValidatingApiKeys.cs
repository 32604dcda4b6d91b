using Microsoft.Extensions.Time.Testing;
using Secrets.Application.ApiKeys;
using Secrets.Application.Common;

namespace Secrets.Application.Tests;

public sealed class ValidatingApiKeys
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);
    private static readonly CreateApiKey Good = new(
        "name", ["secrets:read"], UserId: null, OrganizationId: null, Role: null, Workspaces: null, ExpiresAt: null);

    private static readonly CreateApiKey Bound = Good with { OrganizationId = "acme", Role = "member", Workspaces = ["support"] };

    [Fact]
    public void Only_name_and_scopes_are_required()
    {
        AssertViolations(Good, []);
        AssertViolations(Bound, []);
        AssertViolations(Bound with { Role = null, Workspaces = null }, []);
        AssertViolations(Good with { Name = null, Scopes = null }, [("Name", Codes.Missing), ("Scopes", Codes.Missing)]);
        AssertViolations(Good with { Scopes = [] }, [("Scopes", Codes.BadValue)]);
    }

    [Theory]
    [InlineData("a", 0, Codes.TooShort)]
    [InlineData("a", 1, null)]
    [InlineData("a", 255, null)]
    [InlineData("a", 256, Codes.TooLong)]
    [InlineData("\U0001F511", 1, null)]
    [InlineData("\U0001F511", 255, null)]
    [InlineData("\U0001F511", 256, Codes.TooLong)]
    [InlineData(" ", 3, Codes.BadValue)]
    [InlineData("\0", 3, Codes.BadValue)]
    public void Names_have_1_to_255_code_points(string character, int count, string? code)
    {
        var text = string.Concat(Enumerable.Repeat(character, count));

        AssertViolations(Good with { Name = text }, Expected("Name"));
        AssertViolations(Bound with { OrganizationId = text }, Expected("OrganizationId"));
        AssertViolations(Bound with { Workspaces = ["support", text] }, Expected("Workspaces[1]"));

        (string, string)[] Expected(string member) => code is null ? [] : [(member, code)];
    }

    [Theory]
    [InlineData("org ", false)]
    [InlineData(" org", false)]
    [InlineData("a\nb", false)]
    [InlineData("\u00A0org", false)]
    [InlineData("a\u0085b", false)]
    [InlineData("a b", true)]
    [InlineData("\u00E9\U0001F511", true)]
    public void An_organisation_must_be_a_valid_header_value(string id, bool valid)
    {
        AssertViolations(Bound with { OrganizationId = id }, valid ? [] : [("OrganizationId", Codes.BadValue)]);
        AssertViolations(Good with { Name = id }, []);
    }

    [Theory]
    [InlineData("secrets:delete")]
    [InlineData("SECRETS:READ")]
    [InlineData("")]
    [InlineData("*")]
    public void Each_scope_must_be_known(string name) =>
        AssertViolations(Good with { Scopes = ["secrets:read", name, "operator"] }, [("Scopes[1]", Codes.BadValue)]);

    [Theory]
    [InlineData("admin", true)]
    [InlineData("member", true)]
    [InlineData("Admin", false)]
    [InlineData("owner", false)]
    [InlineData("", false)]
    public void A_role_is_admin_or_member(string role, bool valid) =>
        AssertViolations(Bound with { Role = role, Workspaces = null }, valid ? [] : [("Role", Codes.BadValue)]);

    [Theory]
    [InlineData("admin", false)]
    [InlineData("member", true)]
    [InlineData(null, true)]
    public void Only_members_have_workspaces(string? role, bool valid) =>
        AssertViolations(Bound with { Role = role }, valid ? [] : [("Workspaces", Codes.BadValue)]);

    [Fact]
    public void At_most_100_workspaces_are_accepted()
    {
        AssertViolations(Bound with { Workspaces = Workspaces(0) }, []);
        AssertViolations(Bound with { Workspaces = Workspaces(100) }, []);
        AssertViolations(Bound with { Workspaces = Workspaces(101) }, [("Workspaces", Codes.BadValue)]);

        static string[] Workspaces(int count) => [.. Enumerable.Range(0, count).Select(number => $"workspace{number}")];
    }

    [Fact]
    public void Role_and_workspaces_need_an_organisation()
    {
        AssertViolations(Bound with { OrganizationId = null }, [("OrganizationId", Codes.BadValue)]);
        AssertViolations(Good with { Role = "member" }, [("OrganizationId", Codes.BadValue)]);
        AssertViolations(Good with { Workspaces = ["support"] }, [("OrganizationId", Codes.BadValue)]);
        AssertViolations(Good with { Workspaces = [] }, []);
    }

    [Theory]
    [InlineData(-10_000_000, false)]
    [InlineData(0, false)]
    [InlineData(1, true)]
    public void A_key_expires_in_the_future_to_the_tick(long ticks, bool valid)
    {
        var end = Noon.AddTicks(ticks);
        (string, string)[] expected = valid ? [] : [("ExpiresAt", Codes.BadValue)];

        AssertViolations(Good with { ExpiresAt = end }, expected);
        AssertViolations(Good with { ExpiresAt = end.ToOffset(TimeSpan.FromHours(14)) }, expected);
        AssertViolations(Good with { ExpiresAt = end.ToOffset(TimeSpan.FromHours(-12)) }, expected);
    }

    private static void AssertViolations(CreateApiKey request, IEnumerable<(string Member, string Code)> expected)
    {
        var result = new CreateApiKeyValidator(new FakeTimeProvider(Noon)).Validate(request);

        Assert.Equal(expected, result.Errors.Select(error => (error.PropertyName, error.ErrorCode)));
    }
}
