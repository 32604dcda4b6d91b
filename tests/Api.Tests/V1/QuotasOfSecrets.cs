using System.Text.Json.Nodes;
using Secrets.Api.Tests.AiHub;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>The number of secrets of an owner is limited.</summary>
public sealed class QuotasOfSecrets
{
    private const int Quota = 20;
    private const int Lower = 5;
    private const string Setting = "Quota__SecretsPerOwner";

    [Fact]
    public async Task The_limit_holds_for_fifty_concurrent_creates()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using var service = installation.StartHere(settings: (Setting, $"{Quota}"));
        using var user = await service.ClientAsync(Installation.Key);

        // The account is now cached, so the next groups compare it while they write.
        (await user.PostAsync(Answers.Secrets, Body("first of all"))).MustBeSecret();
        (await user.PostAsync(Answers.Secrets, Body("second"))).MustBeSecret();
        var answers = await AtOnceAsync(at => user.PostAsync(Answers.Secrets, Body($"user {at}")));

        Assert.Equal((Quota - 2, 50 - Quota + 2), (answers[200].Count(), answers[413].Count()));
        Assert.All(answers[413], answer => Assert.Contains("20 stored secrets", answer.MustBeError(413).Json.Text("detail"), StringComparison.Ordinal));
        var usage = (await user.GetAsync("/api/v1/usage")).MustBe(200).Json;
        Assert.Equal((Quota, Quota), (usage["secrets"]!.GetValue<int>(), usage["secrets_quota"]!.GetValue<int>()));
        Assert.Equal(Quota, (await user.GetAsync(Answers.Secrets)).MustBeList().Count);

        // A full account still allows updates and deletions, and a deletion frees a place.
        var first = answers[200].First().Json.AsObject().Id();
        (await user.PatchAsync(Answers.One(first), new JsonObject { ["secret_value"] = "a longer value than it was" })).MustBeSecret();
        (await user.DeleteAsync(Answers.One(first))).MustBe(200);
        (await user.PostAsync(Answers.Secrets, Body("again"))).MustBeSecret();
        (await user.PostAsync(Answers.Secrets, Body("again and again"))).MustBeError(413);
    }

    [Fact]
    public async Task A_full_owner_does_not_affect_others_of_its_group()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using var service = installation.StartHere(settings: (Setting, $"{Lower}"));
        using var user = await service.ClientAsync(Installation.Key);
        for (var at = 0; at < Lower; at++)
        {
            (await user.PostAsync(Answers.Secrets, Body($"{at}"))).MustBeSecret();
            (await user.PostAsync(Of(at), Body("first"))).MustBeSecret();
        }

        var answers = await Task.WhenAll(Enumerable.Range(0, 2 * Lower).Select(at => user.PostAsync(at % 2 == 0 ? Answers.Secrets : Of(at / 2), Body($"more {at}"))));

        for (var at = 0; at < answers.Length; at++)
        {
            if (at % 2 == 0)
            {
                answers[at].MustBeError(413);
            }
            else
            {
                Assert.Equal($"more {at}", answers[at].MustBeSecret().Text("secret_name"));
            }
        }

        static string Of(int number) => $"{Answers.Secrets}?user_id={new Guid(number + 1_000, 0, 0, new byte[8])}";
    }

    [Theory]
    [InlineData("ALL")] // stored in groups
    [InlineData("SOME")] // stored one by one
    public async Task The_vault_enforces_the_limit_with_403(string rule)
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using var service = installation.StartHere(settings: (Setting, $"{Quota}"));
        using var admin = await service.ClientAsync(Installation.Key);

        var answers = await AtOnceAsync(at => admin.PostAsync(Vault.Path, Vault.Body($"alias-{at}", rule: rule, workspaces: ["support"])));

        Assert.Equal((Quota, 50 - Quota), (answers[200].Count(), answers[403].Count()));
        Assert.All(answers[403], answer => answer.MustBeRefused(403, "20 stored secrets"));
        Assert.Equal(Quota, (await admin.GetAsync(Vault.Path)).Aliases().Count());
        Assert.Equal(Quota, (await admin.GetAsync("/api/v1/usage?organization_id=default")).MustBe(200).Json["secrets"]!.GetValue<int>());
    }

    [Fact]
    public async Task A_quota_below_current_usage_allows_changes_and_deletions()
    {
        using var installation = await Installation.NewAsync();
        await installation.MakeAsync();
        await using (var before = installation.StartHere(settings: (Setting, $"{Quota}")))
        {
            using var user = await before.ClientAsync(Installation.Key);
            for (var at = 0; at <= Lower; at++)
            {
                (await user.PostAsync(Answers.Secrets, Body($"{at}"))).MustBeSecret();
            }
        }

        await using var service = installation.StartHere(settings: (Setting, $"{Lower}"));
        using var same = await service.ClientAsync(Installation.Key);
        var ids = (await same.GetAsync(Answers.Secrets)).MustBeList().Select(secret => secret.Id()).ToList();
        (await same.PostAsync(Answers.Secrets, Body("more"))).MustBeError(413);
        (await same.PatchAsync(Answers.One(ids[0]), new JsonObject { ["secret_value"] = "a longer value than it was" })).MustBeSecret();
        (await same.DeleteAsync(Answers.One(ids[0]))).MustBe(200);
        (await same.PostAsync(Answers.Secrets, Body("more"))).MustBeError(413);
        (await same.DeleteAsync(Answers.One(ids[1]))).MustBe(200);
        (await same.PostAsync(Answers.Secrets, Body("more"))).MustBeSecret();
    }

    private static async Task<ILookup<int, Answer>> AtOnceAsync(Func<int, Task<Answer>> send) =>
        (await Task.WhenAll(Enumerable.Range(0, 50).Select(send))).ToLookup(answer => answer.Status);

    private static JsonObject Body(string name) => new() { ["secret_name"] = name, ["secret_value"] = "a value" };
}
