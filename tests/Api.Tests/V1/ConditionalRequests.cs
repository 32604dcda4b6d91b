using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>ETag and If-Match by RFC 9110.</summary>
public sealed class ConditionalRequests(ApiServer server)
{
    private static readonly string[] Methods = ["PATCH", "DELETE"];

    /// <summary>CURRENT and STALE stand for the current and an earlier tag of the secret.</summary>
    public static TheoryData<string, string, int> Conditions()
    {
        var data = new TheoryData<string, string, int>();
        foreach (var method in Methods)
        {
            data.Add(method, "CURRENT", 200);
            data.Add(method, "*", 200);
            data.Add(method, "STALE, CURRENT", 200);
            data.Add(method, "\"other\",CURRENT", 200);
            data.Add(method, "W/CURRENT, CURRENT", 200);
            data.Add(method, "STALE", 412);
            data.Add(method, "STALE, \"other\"", 412);
            data.Add(method, "W/CURRENT", 412);
            data.Add(method, "\"\"", 412);
            data.Add(method, "\"0\"", 412);
            data.Add(method, "\"-1\"", 412);
            data.Add(method, "\" 2\"", 412);
            data.Add(method, "\"02\"", 412);
            data.Add(method, "\"2.0\"", 412);
            data.Add(method, "\"*\"", 412);
            data.Add(method, "\"99999999999999999999\"", 412);
            data.Add(method, "2", 400);
            data.Add(method, "\"2", 400);
            data.Add(method, "2\"", 400);
            data.Add(method, "CURRENT STALE", 400);
            data.Add(method, "garbage MARK", 400);
            data.Add(method, "*, CURRENT", 400);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Conditions))]
    public async Task Only_a_strong_match_lets_a_write_through(string method, string condition, int status)
    {
        using var user = await server.NewUserAsync();
        var (one, stale, current) = await UpdatedSecretAsync(user);
        var header = condition.Replace("CURRENT", current, StringComparison.Ordinal).Replace("STALE", stale, StringComparison.Ordinal);

        var answer = await user.SendAsync(
            new HttpMethod(method), one, method is "PATCH" ? """{"secret_name": "written"}""" : null, ("If-Match", header));

        if (status == 200)
        {
            answer.MustBe(200);
        }
        else
        {
            answer.MustBeError(status).MustNotRepeat("MARK");
        }

        var after = await user.GetAsync(one);
        var wrote = after.Status == 404 || after.Json.Text("secret_name") is "written";
        Assert.Equal(status == 200, wrote);
    }

    [Fact]
    public async Task Repeated_headers_form_one_list()
    {
        using var user = await server.NewUserAsync();
        var (one, stale, current) = await UpdatedSecretAsync(user);

        (await user.SendAsync(HttpMethod.Patch, one, "{}", ("If-Match", stale), ("If-Match", "\"other\""))).MustBeError(412);
        (await user.SendAsync(HttpMethod.Patch, one, "{}", ("If-Match", stale), ("If-Match", current))).MustBeSecret();
    }

    [Fact]
    public async Task A_tag_is_stale_after_one_update()
    {
        using var user = await server.NewUserAsync();
        var (one, _, current) = await UpdatedSecretAsync(user);

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => user.SendAsync(
            HttpMethod.Patch, one, new JsonObject { ["secret_name"] = $"by {i}" }.ToJsonString(), ("If-Match", current))));

        var won = Assert.Single(answers, answer => answer.Status == 200);
        Assert.All(answers.Where(answer => answer != won), answer => answer.MustBeError(412));
        Assert.Equal(won.Body, (await user.GetAsync(one)).Body);
    }

    [Fact]
    public async Task An_update_that_changes_nothing_is_still_conditional()
    {
        using var user = await server.NewUserAsync();
        var (one, stale, current) = await UpdatedSecretAsync(user);

        (await user.SendAsync(HttpMethod.Patch, one, (string?)null, ("If-Match", stale))).MustBeError(412);
        Assert.Equal(current, (await user.SendAsync(HttpMethod.Patch, one, (string?)null, ("If-Match", current))).ETag());
    }

    [Theory]
    [InlineData("PATCH", "*")]
    [InlineData("PATCH", "\"1\"")]
    [InlineData("DELETE", "*")]
    [InlineData("DELETE", "\"1\"")]
    public async Task A_condition_on_a_missing_secret_is_404(string method, string condition)
    {
        using var user = await server.NewUserAsync();
        using var other = await server.NewUserAsync();
        var foreign = await other.CreateSecretAsync("n");

        foreach (var id in (Guid[])[Guid.NewGuid(), foreign])
        {
            var answer = await user.SendAsync(
                new HttpMethod(method), Answers.One(id), method is "PATCH" ? """{"secret_name": "m"}""" : null, ("If-Match", condition));
            answer.MustBeError(404, "Not found");
        }

        (await other.GetAsync(Answers.One(foreign))).MustBeSecret();
    }

    [Fact]
    public async Task Reading_and_storing_ignore_conditions()
    {
        using var user = await server.NewUserAsync();
        var (one, stale, _) = await UpdatedSecretAsync(user);

        (await user.SendAsync(HttpMethod.Get, one, (string?)null, ("If-Match", stale))).MustBeSecret();
        (await user.SendAsync(HttpMethod.Get, one, (string?)null, ("If-Match", "garbage"))).MustBeSecret();
        (await user.SendAsync(
            HttpMethod.Post, Answers.Secrets, """{"secret_name": "m", "secret_value": "some value"}""", ("If-Match", "garbage"))).MustBeSecret();
    }

    private static async Task<(string One, string Stale, string Current)> UpdatedSecretAsync(ApiClient user)
    {
        var one = Answers.One(await user.CreateSecretAsync("n"));
        var first = await user.GetAsync(one);
        var second = await user.PatchAsync(one, new JsonObject { ["secret_value"] = "a new value" });
        Assert.NotEqual(first.ETag(), second.ETag(), StringComparer.Ordinal);
        return (one, first.ETag()!, second.ETag()!);
    }
}
