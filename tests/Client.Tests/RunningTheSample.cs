using Secrets.TestKit;

namespace Secrets.Client.Tests;

public sealed class RunningTheSample(ApiServer server)
{
    private static readonly string[] Names = ["sample-linear", "sample-linear-issues", "sample-github"];

    [Fact]
    public async Task The_sample_fills_missing_arguments_explains_and_shows_no_value()
    {
        var (client, raw) = await server.NewUserWithClientAsync();
        var first = await RunAsync(raw.Key!);
        var second = await RunAsync(raw.Key!);

        Assert.Equal(first.Replace("(stored)", "(existed)", StringComparison.Ordinal), second);
        Assert.Contains("sample__linear__get_issue_details(issue_id, api_token)", first, StringComparison.Ordinal);
        Assert.Matches(@"api_token = lin_\.\.\.\w{4} from 'sample-linear-issues' \(sample__linear__get_issue_details\): .*the name of one tool", first);
        Assert.Matches(@"token = ghp_\.\.\.\w{4} from 'sample-github' \(sample__github__\*\): \w", first);
        Assert.Contains("-> issue ENG-42 is in review", first, StringComparison.Ordinal);
        Assert.Contains("api_key is missing: ", first, StringComparison.Ordinal);
        Assert.DoesNotContain("rain in Oslo", first, StringComparison.Ordinal);

        using var resolved = await client.ResolveAsync(new ResolveRequest
        {
            UserId = (await client.GetMeAsync()).UserId,
            ToolName = "sample__linear__get_issue_details",
            References = Names.ToDictionary(name => name, name => name, StringComparer.Ordinal),
        });
        Assert.Contains(resolved.Values, value => value.SecretName == "sample-linear");
        Assert.All(resolved.Values, value => Assert.DoesNotContain(value.SecretValue.Reveal(), first + second, StringComparison.Ordinal));
    }

    private Task<string> RunAsync(string key) => Tools.RunAsync(
        AppContext.BaseDirectory,
        "dotnet",
        [Path.Combine(AppContext.BaseDirectory, "Secrets.AgentRuntime.dll")],
        ("SECRETS_ADDRESS", server.Address.AbsoluteUri),
        ("SECRETS_API_KEY", key));
}
