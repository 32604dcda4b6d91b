using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Integrity;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Integrity;

/// <summary>A server whose database somebody writes to. It caches no owners, so that every resolve reads the database.</summary>
public sealed class AttackedServer : IAsyncLifetime
{
    private const int IntegrityFailure = 50;

    public ApiServer Server { get; } = ApiServer.With(("Resolve:MemoryMegabytes", "0"));

    public ValueTask InitializeAsync() => Server.InitializeAsync();

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    /// <summary>Runs a statement of PostgreSQL behind the service's back.</summary>
    public async Task<int> AttackAsync(string sql)
    {
        await using var db = await Server.NewContextAsync();
#pragma warning disable EF1002 // It is the attacker's.
        return await db.Database.ExecuteSqlRawAsync(sql.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal), TestContext.Current.CancellationToken);
#pragma warning restore EF1002
    }

    /// <summary>Attacks while 64 callers resolve, half of them for somebody else: nobody gets another value than the right one, and whoever is not attacked gets it.</summary>
    public async Task AttackUnderLoadAsync(Victim victim, string sql)
    {
        using var bystander = await Victim.NewAsync(Server);
        using var stop = new CancellationTokenSource();
        var callers = Enumerable.Range(0, 64).Select(number => ResolveUntilAsync(number % 2 == 0 ? victim : bystander, stop.Token)).ToList();
        await Task.Delay(50, TestContext.Current.CancellationToken);
        await AttackAsync(sql);
        await Task.Delay(50, TestContext.Current.CancellationToken);
        await stop.CancelAsync();
        var answers = await Task.WhenAll(callers);
        Assert.All(answers.Where((_, number) => number % 2 == 0), statuses => Assert.All(statuses, status => Assert.Contains(status, (int[])[200, 409])));
        Assert.All(answers.Where((_, number) => number % 2 == 1), statuses => Assert.All(statuses, status => Assert.Equal(200, status)));
    }

    private static async Task<List<int>> ResolveUntilAsync(Victim victim, CancellationToken stop)
    {
        List<int> statuses = [];
        do
        {
            var answer = await victim.ResolveAsync();
            statuses.Add(answer.Status);
            if (answer.Status == 200)
            {
                Assert.Equal(Victim.Value, answer.Json["values"]![0]!["secret_value"]!.GetValue<string>());
            }
        }
        while (!stop.IsCancellationRequested);
        return statuses;
    }

    /// <summary>Whether an owner verifies for a process that has seen nothing yet.</summary>
    public async Task<bool> VerifiesAfterRestartAsync(SecretOwner owner)
    {
        await using var db = await Server.NewContextAsync();
        var reader = ActivatorUtilities.CreateInstance<OwnerReader>(Server.Services, new VersionFloors<SecretOwner>());
        return (await reader.ReadAsync(db, [owner]))[0] is not null;
    }

    /// <summary>Whether a user's keys verify for a process that has seen nothing yet.</summary>
    public async Task<bool> KeysVerifyAfterRestartAsync(Guid userId)
    {
        await using var db = await Server.NewContextAsync();
        var reader = ActivatorUtilities.CreateInstance<ApiKeyReader>(Server.Services, new VersionFloors<Guid>());
        return (await reader.ReadAsync(db, userId)).Keys is not null;
    }

    /// <summary>Sees that the log and the audit say of an owner that its rows were changed.</summary>
    public async Task MustBeToldAsync(SecretOwner owner)
    {
        Assert.Contains(Server.Log.Lines, line => line.Contains($"The rows of {owner} were changed outside the service", StringComparison.Ordinal));
        Assert.True(await Server.ScalarAsync<long>(
            "SELECT CAST(count(*) AS bigint) FROM audit WHERE action = @action AND owner_id = @owner", ("action", (short)IntegrityFailure), ("owner", owner.Id)) > 0);
    }

    /// <summary>Sees that the log and the audit say of a key that its row was changed.</summary>
    public async Task MustBeToldOfKeyAsync(string prefix)
    {
        Assert.Contains(Server.Log.Lines, line => line.Contains($"The row of API key {prefix} was changed outside the service", StringComparison.Ordinal));
        Assert.True(await Server.ScalarAsync<long>("SELECT CAST(count(*) AS bigint) FROM audit WHERE action = @action", ("action", (short)IntegrityFailure)) > 0);
    }
}

/// <summary>An organisation with two secrets, one of them for a single workspace, and a runtime that obtains their values.</summary>
public sealed class Victim : IDisposable
{
    public const string Value = "the value of the victim";

    private Victim(ApiClient admin, ApiClient runtime, string organization) => (Admin, Runtime, Organization) = (admin, runtime, organization);

    public ApiClient Admin { get; }

    public ApiClient Runtime { get; }

    public string Organization { get; }

    public SecretOwner Owner => new(OwnerKind.Organization, Organization);

    public string Prefix => Domain.ApiKeys.ApiKeyText.PrefixOf(Runtime.Key!);

    /// <summary>The secret that fills <c>a</c>.</summary>
    public Guid First { get; private set; }

    public static async Task<Victim> NewAsync(ApiServer server)
    {
        var organization = $"org-{Guid.NewGuid():N}";
        var victim = new Victim(
            await server.NewKeyAsync(Guid.NewGuid(), ["secrets:read", "secrets:write"], organization, "admin"),
            await server.NewKeyAsync(Guid.NewGuid(), ["secrets:read", "secrets:resolve"], organization, "member", "support"),
            organization);
        victim.First = await victim.CreateAsync("first", "t", Value);
        await victim.CreateAsync("wider", "*", "a lesser value");
        (await victim.Admin.PostAsync("/api/v2/aihub/secrets", new JsonObject
        {
            ["alias"] = "second",
            ["value"] = "some value",
            ["allowed_workspaces_type"] = "SOME",
            ["allowed_workspaces"] = new JsonArray("support"),
        })).MustBe(200);
        (await victim.ResolveAsync()).MustBe(200);
        return victim;
    }

    public async Task<Guid> CreateAsync(string name, string tool, string value) => (await TryCreateAsync(name, tool, value)).MustBe(200).Json["secret_id"]!.GetValue<Guid>();

    public Task<Answer> TryCreateAsync(string name, string tool, string value) => Admin.PostAsync($"/api/v1/secrets?organization_id={Organization}", new JsonObject
    {
        ["secret_name"] = name,
        ["secret_value"] = value,
        ["tool_name"] = tool,
        ["tool_arg"] = "a",
        ["is_default_for_tool"] = true,
    });

    public Task<Answer> UpdateAsync(string value) => Admin.PatchAsync($"/api/v1/secrets/{First}", new JsonObject { ["secret_value"] = value });

    public Task<Answer> ResolveAsync() => Runtime.AskAsync("/api/v1/secrets/resolve", new JsonObject
    {
        ["tool_name"] = "t",
        ["tool_args"] = new JsonArray("a"),
        ["organization_id"] = Organization,
        ["workspace"] = "support",
    });

    /// <summary>The value that fills <c>a</c>.</summary>
    public async Task<string> ValueAsync() => (await ResolveAsync()).MustBe(200).Json["values"]![0]!["secret_value"]!.GetValue<string>();

    /// <summary>Sees that nothing is handed out and nothing is changed.</summary>
    /// <param name="statusOfFirst">What changes of <see cref="First"/> are answered with.</param>
    public async Task MustBeRefusedAsync(int statusOfFirst = 409)
    {
        (await ResolveAsync()).MustBe(409);
        (await UpdateAsync("another value")).MustBe(statusOfFirst);
        (await Admin.DeleteAsync($"/api/v1/secrets/{First}")).MustBe(statusOfFirst);
        (await TryCreateAsync("new", "u", "a new value")).MustBe(409);
    }

    /// <summary>Sees that whatever only shows names is answered: with them, or with 409 where a row cannot even be read.</summary>
    public async Task MustBeListedOrRefusedAsync()
    {
        foreach (var path in (string[])[$"/api/v1/secrets?organization_id={Organization}", $"/api/v1/secrets/{First}", $"/api/v1/usage?organization_id={Organization}", "/api/v2/aihub/secrets"])
        {
            Assert.Contains((await Admin.GetAsync(path)).Status, (int[])[200, 404, 409]);
        }
    }

    public void Dispose()
    {
        Admin.Dispose();
        Runtime.Dispose();
    }
}
