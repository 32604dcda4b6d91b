using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>Verifying the audit against a checkpoint (contracts, section 5). Only an unchanged checkpoint is accepted.</summary>
public sealed class SendingACheckpoint(ApiServer server)
{
    private const string Verify = "/api/v1/audit/verify";

    [Theory]
    [InlineData("""{}""", "at")]
    [InlineData("""{"at":"yesterday","count":0,"heads":[],"mac":"00"}""", "at")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":"0","heads":[],"mac":"00"}""", "count")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":99999999999999999999,"heads":[],"mac":"00"}""", "count")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":0,"heads":{},"mac":"00"}""", "heads")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":0,"heads":null,"mac":"00"}""", "heads")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":1,"heads":[1],"mac":"00"}""", "heads,0")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":1,"heads":[{"writer":"x","sequence":1,"hash":""}],"mac":"00"}""", "heads,0,writer")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":1,"heads":[{"sequence":1,"hash":""}],"mac":"00"}""", "heads,0,writer")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":0,"heads":[],"mac":null}""", "mac")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":0,"heads":[],"mac":"00"}""", "mac")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":0,"heads":[],"mac":"0000000000000000000000000000000000000000000000000000000000000000"}""", "mac")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":1,"heads":[{"writer":"6f1c1d5e-58b0-4c5a-9d5e-0d1a2b3c4d5e","sequence":-1,"hash":"\u0000"}],"mac":"\u0000"}""", "mac")]
    public async Task An_invalid_checkpoint_is_refused(string body, string place)
    {
        using var @operator = server.Operator();

        var refused = (await @operator.SendAsync(HttpMethod.Post, Verify, body)).MustBe(422);

        Assert.Equal(place, string.Join(',', refused.Json["detail"]![0]!["loc"]!.AsArray().Skip(1).Select(step => step!.ToJsonString().Trim('"'))));
    }

    [Fact]
    public async Task A_changed_checkpoint_is_refused()
    {
        using var @operator = server.Operator();
        await @operator.CreateSecretAsync("n");
        var checkpoint = (await @operator.GetAsync("/api/v1/audit/checkpoint")).MustBe(200).Json.AsObject();
        foreach (var change in (Action<JsonObject>[])[
            copy => copy["at"] = "2026-01-01T00:00:00Z",
            copy => copy["heads"]!.AsArray().Clear(),
            copy => copy["count"] = copy["count"]!.GetValue<int>() + 1,
            copy => copy["heads"]![0]!["sequence"] = copy["heads"]![0]!["sequence"]!.GetValue<long>() + 1,
            copy => copy["heads"]![0]!["writer"] = Guid.NewGuid(),
            copy => copy["heads"]![0]!["hash"] = new string('0', 64),
            copy => copy["mac"] = new string('0', 64),
        ])
        {
            var copy = JsonNode.Parse(checkpoint.ToJsonString())!.AsObject();
            change(copy);
            (await @operator.PostAsync(Verify, copy)).MustBe(422);
        }

        (await @operator.PostAsync(Verify, checkpoint)).MustBe(200);
        using var user = await server.NewUserAsync("secrets:read", "audit:read");
        (await user.GetAsync("/api/v1/audit/checkpoint")).MustBe(403);
        (await user.PostAsync(Verify, checkpoint)).MustBe(403);
    }
}
