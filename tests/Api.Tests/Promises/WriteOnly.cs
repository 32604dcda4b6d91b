using System.Text;
using System.Text.Json;
using Secrets.Api.Tests.AiHub;
using Secrets.Domain.Secrets;
using Secrets.TestKit;

namespace Secrets.Api.Tests.Promises;

/// <summary>Promise 1: no output of the service shows a value.</summary>
public sealed class WriteOnly(ApiServer server)
{
    private const string Path = "/api/v1/secrets";

    /// <summary>
    /// The test reads every column of every table. On PostgreSQL it also reads every file of the database, with the write-ahead log and the server log.
    /// On SQL Server it proves nothing about the transaction log, tempdb, the plan cache or backups, because a test cannot read these files.
    /// </summary>
    [Fact]
    public async Task No_answer_log_column_or_file_holds_a_value()
    {
        // The value has every character that an encoding escapes. Searching for the core alone also finds a partial leak.
        var core = $"mark{Guid.NewGuid():N}";
        var value = $"{core}é/+&\"<{core}";
        var logged = server.Log.Lines.Count;
        var answers = await SendEverywhereAsync(value);
        await server.CheckpointAsync();

        Assert.True(answers.Count > 60, $"only {answers.Count} requests were sent");
        var forms = FileHunt.FormsOf(value).Concat(FileHunt.FormsOf(core)).ToList();
        Assert.All(answers, answer => AssertHoldsNone(forms, $"{answer.Body} {answer.Headers} {answer.ContentHeaders}", answer.ToString()));
        Assert.All(server.Log.Lines.Skip(logged), line => AssertHoldsNone(forms, line, line));
        Assert.Empty(await server.ColumnsHoldingAsync(core));
        Assert.Empty(await server.ColumnsHoldingAsync(value));
        Assert.Empty(FileHunt.FilesHolding(server.DataDirectory, core));
        Assert.Empty(FileHunt.FilesHolding(server.DataDirectory, value));
    }

    [Fact]
    public async Task The_search_finds_stored_names()
    {
        // Names are stored and answered in the clear, so the search must find them. Otherwise the test above could not fail.
        using var user = await server.NewUserAsync();
        var name = $"name-{Guid.NewGuid():N}";
        await user.CreateSecretAsync(name);
        await server.CheckpointAsync();

        Assert.Contains(name, (await user.GetAsync(Path)).Body, StringComparison.Ordinal);
        Assert.Contains("secrets.name", await server.ColumnsHoldingAsync(name));
        Assert.Contains("owners.id", await server.ColumnsHoldingAsync($"{user.UserId}"));
        Assert.True(TestDatabase.IsSqlServer || FileHunt.FilesHolding(server.DataDirectory, name).Count > 0, "the name is in no file");
    }

    [Theory]
    [InlineData("raw")]
    [InlineData("base64")]
    [InlineData("base64 in the middle")]
    [InlineData("hex")]
    [InlineData("url")]
    [InlineData("json")]
    [InlineData("utf-16")]
    public void The_search_knows_every_encoded_form(string form)
    {
        const string Text = "maß/+&\"<0123456789abcdef";
        var folder = Directory.CreateTempSubdirectory("secrets-hunt-").FullName;
        try
        {
            var bytes = form switch
            {
                "raw" => Encoding.UTF8.GetBytes($"before {Text} after"),
                "base64" => Encoding.UTF8.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes(Text))),
                "base64 in the middle" => Encoding.UTF8.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes($"x{Text}yz"))),
                "hex" => Encoding.UTF8.GetBytes($"\\x{Convert.ToHexStringLower(Encoding.UTF8.GetBytes(Text))}"),
                "url" => Encoding.UTF8.GetBytes(Uri.EscapeDataString(Text)),
                "json" => Encoding.UTF8.GetBytes(JsonSerializer.Serialize(Text)),
                _ => Encoding.Unicode.GetBytes(Text),
            };
            File.WriteAllBytes(System.IO.Path.Combine(folder, "file"), bytes);
            Assert.Single(FileHunt.FilesHolding(folder, Text));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Sends the value as a secret value and in every place where a caller may put it by mistake.</summary>
    private async Task<List<Answer>> SendEverywhereAsync(string value)
    {
        using var user = await server.NewUserAsync("secrets:read", "secrets:write", "secrets:resolve", "keys:manage", "audit:read");
        var json = JsonSerializer.Serialize(value);
        var url = Uri.EscapeDataString(value);
        var answers = new List<Answer>();

        // As a secret value.
        var id = await user.CreateSecretAsync("marked", value, "tool__*", "key", isDefault: true);
        var one = $"{Path}/{id}";
        answers.Add(await user.SendAsync(HttpMethod.Patch, one, $$"""{"secret_value":{{json}},"tool_arg":"key2"}"""));
        answers.Add(await user.SendAsync(HttpMethod.Patch, one, """{"secret_name":"marked anew"}"""));
        answers.AddRange([await user.GetAsync(one), await user.GetAsync(Path), await user.GetAsync("/api/v1/usage")]);

        // Resolved for a runtime, which is the only answer with the value, and explained.
        const string Call = """{"tool_name":"tool__get","tool_args":["key2"],"references":{"a":"marked anew","b":"nobody"}}""";
        var handedOut = (await user.AskAsync($"{Path}/resolve", Call)).MustBe(200);
        Assert.All(handedOut.Json["values"]!.AsArray(), row => Assert.Equal(value, row!["secret_value"]!.GetValue<string>()));
        answers.Add((await user.AskAsync($"{Path}/resolve/explain", Call)).MustBe(200));

        // Refused: taken name, taken default, missing secret, wrong version, quota, no scope, no credential.
        answers.Add(await user.SendAsync(HttpMethod.Post, Path, $$"""{"secret_name":"marked anew","secret_value":{{json}}}"""));
        answers.Add(await user.SendAsync(HttpMethod.Post, Path, $$"""{"secret_name":"d","secret_value":{{json}},"tool_name":"tool__*","tool_arg":"key2","is_default_for_tool":true}"""));
        answers.Add(await user.SendAsync(HttpMethod.Patch, $"{Path}/{Guid.NewGuid()}", $$"""{"secret_value":{{json}}}"""));
        answers.Add(await user.SendAsync(HttpMethod.Patch, one, $$"""{"secret_value":{{json}}}""", ("If-Match", "\"77\"")));
        await server.StoreAsync(SecretOwner.User(user.UserId), [new NewSecret("filler", new string('f', ApiServer.Quota), null, null)]);
        answers.Add(await user.SendAsync(HttpMethod.Post, Path, $$"""{"secret_name":"full","secret_value":{{json}}}"""));
        using var reader = await server.NewKeyAsync(user.UserId, ["secrets:read"]);
        answers.Add(await reader.SendAsync(HttpMethod.Post, Path, $$"""{"secret_name":"n","secret_value":{{json}}}"""));
        using var nobody = server.Anonymous();
        answers.Add(await nobody.SendAsync(HttpMethod.Post, Path, $$"""{"secret_name":"n","secret_value":{{json}}}"""));

        // In malformed and invalid bodies.
        string[] bodies =
        [
            $$"""{"secret_name":"n","secret_value":{{json}}""",
            $$"""{"secret_name":"n","secret_value":{{json}},"secret_value":{{json}}}""",
            $$"""{"secret_name":"n","secret_value":[{{json}}]}""",
            $$"""{"secret_name":"n","secret_value":{"a": {{json}} } }""",
            $$"""{"secret_name":"n","secret_value":{{json[..^1]}}\ud800"}""",
            $$"""{"secret_name":"n","secret_value":{{json[..^1]}}\u0000"}""",
            $$"""{"secret_name":"n","secret_value":{{json[..^1]}}{{new string('x', 1024)}}"}""",
            $$"""{"secret_value":{{json}}}""",
            $$"""{"secret_name":"","secret_value":{{json}}}""",
            $$"""{"secret_name":7,"secret_value":{{json}}}""",
            $$"""{"secret_name":"n","secret_value":{{json}},"is_default_for_tool":true}""",
            $$"""{"secret_name":"n","secret_value":{{json}},"is_default_for_tool":{{json}}}""",
            $$"""{"secret_name":"n","secret_value":"abc",{{json}}:1}""",
            $$"""{"secret_name":"n","unknown":{{json}},"secret_value":7}""",
            $$"""{ {{json}} }""",
            json,
            $"[{json}]",
            value,
        ];
        foreach (var body in bodies)
        {
            answers.Add(await user.SendAsync(HttpMethod.Post, Path, body));
            answers.Add(await user.SendAsync(HttpMethod.Patch, one, body));
            foreach (var path in (string[])[$"{Path}/resolve", $"{Path}/resolve/explain"])
            {
                answers.Add(await user.SendAsync(HttpMethod.Post, path, body.Replace("secret_value", "tool_name", StringComparison.Ordinal)));
                answers.Add(await user.SendAsync(HttpMethod.Post, path, body.Replace("secret_value", "references", StringComparison.Ordinal)));
                answers.Add(await user.SendAsync(HttpMethod.Post, path, """{"tool_name":"t","references":{"a":""" + body + "}}"));
            }

            answers.Add(await user.SendAsync(HttpMethod.Post, "/api/v1/api-keys", body.Replace("secret_value", "scopes", StringComparison.Ordinal)));
        }

        answers.Add(await user.SendAsync(HttpMethod.Post, $"{Path}/resolve", $$"""{"tool_name":"t","references":{ {{json}}:5} }"""));
        answers.Add(await user.SendAsync(HttpMethod.Post, Path, new StringContent(value, Encoding.UTF8, "text/plain")));
        answers.Add(await user.SendAsync(HttpMethod.Post, Path, new FormUrlEncodedContent([new("secret_value", value)])));
        answers.Add(await user.SendAsync(HttpMethod.Post, Path, new StringContent($$"""{"secret_name":"n","secret_value":{{json}}}""", Encoding.Unicode, "application/json")));

        // In paths, queries and headers.
        answers.Add(await user.GetAsync($"{Path}/{url}"));
        answers.Add(await user.DeleteAsync($"{Path}/{url}"));
        answers.Add(await user.GetAsync($"{Path}?cursor={url}"));
        answers.Add(await user.GetAsync($"{Path}?limit={url}"));
        answers.Add(await user.GetAsync($"{Path}?secret_name={url}&tool_name={url}"));
        answers.Add(await user.GetAsync($"/{url}"));
        answers.Add(await user.DeleteAsync($"/api/v1/api-keys/{url}"));
        answers.Add(await user.SendAsync(HttpMethod.Put, $"{Path}?secret_value={url}", json));
        foreach (var header in (string[])["token", "Authorization", "x-api-key", "If-Match", "X-Request-Id", "traceparent"])
        {
            answers.Add(await user.SendAsync(HttpMethod.Patch, one, """{"tool_arg":"k"}""", (header, url)));
        }

        answers.Add(await user.DeleteAsync(one));

        answers.AddRange(await SendToVaultAsync(json, url, bodies));

        // In the audit rows of these requests, and as a filter of the audit.
        answers.Add((await user.GetAsync("/api/v1/audit?limit=1000")).MustBe(200));
        foreach (var filter in (string[])["cursor", "secret_id", "actor", "action", "outcome", "from", "to"])
        {
            answers.Add((await user.GetAsync($"/api/v1/audit?{filter}={url}")).MustBe(422));
        }

        Assert.DoesNotContain(answers, answer => answer.Status >= 500);
        return answers;
    }

    /// <summary>Does the same in the vault dialect.</summary>
    private async Task<List<Answer>> SendToVaultAsync(string json, string url, IReadOnlyList<string> bodies)
    {
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization, "secrets:read", "secrets:write", "audit:read");
        using var member = await server.NewMemberAsync(organization, "support");
        using var nobody = server.Anonymous();
        var answers = new List<Answer>();
        var create = $$"""{"alias":"marked","value":{{json}},"allowed_workspaces_type":"SOME","allowed_workspaces":["support"]}""";
        var update = $$"""{"alias":"marked","value":{{json}},"description":"d"}""";

        // As a secret value, accepted and refused.
        answers.Add((await admin.SendAsync(HttpMethod.Post, Vault.Path, create)).MustBeDone());
        answers.Add((await admin.SendAsync(HttpMethod.Patch, Vault.Path, update)).MustBeDone());
        answers.Add((await admin.SendAsync(HttpMethod.Post, Vault.Path, create)).MustBeRefused(409));
        answers.AddRange([await member.SendAsync(HttpMethod.Post, Vault.Path, create), await member.SendAsync(HttpMethod.Patch, Vault.Path, update)]);
        answers.AddRange([await nobody.SendAsync(HttpMethod.Post, Vault.Path, create), await nobody.SendAsync(HttpMethod.Patch, Vault.Path, update)]);
        answers.AddRange([await admin.GetAsync(Vault.Path), await member.GetAsync(Vault.Path + "?workspace=support")]);
        answers.Add((await admin.GetAsync($"{Path}?organization_id={organization}")).MustBe(200));
        await server.StoreAsync(new SecretOwner(OwnerKind.Organization, organization), [new NewSecret("filler", new string('f', ApiServer.Quota), null, null)]);
        answers.Add((await admin.SendAsync(HttpMethod.Post, Vault.Path, create.Replace("marked", "full", StringComparison.Ordinal))).MustBeRefused(403));

        // In malformed and invalid bodies, paths, queries and headers.
        foreach (var body in bodies.Select(body => body.Replace("secret_name", "alias", StringComparison.Ordinal)))
        {
            foreach (var where in (string[])["value", "alias", "description", "allowed_workspaces_type", "allowed_workspaces"])
            {
                foreach (var method in (HttpMethod[])[HttpMethod.Post, HttpMethod.Patch, HttpMethod.Delete])
                {
                    answers.Add(await admin.SendAsync(method, Vault.Path, body.Replace("secret_value", where, StringComparison.Ordinal)));
                }
            }
        }

        answers.Add(await admin.SendAsync(HttpMethod.Get, Vault.Path, json: null, ("IB-Context", url)));
        answers.Add(await admin.SendAsync(HttpMethod.Delete, Vault.Path, $$"""{"alias":{{json}}}""", ("IB-Context", url)));
        answers.Add(await admin.GetAsync($"{Vault.Path}?alias={url}&workspace={url}"));
        answers.Add(await member.GetAsync($"{Vault.Path}?workspace={url}"));
        answers.Add(await admin.GetAsync($"{Path}?organization_id={url}&workspace={url}"));
        answers.Add(await admin.SendAsync(HttpMethod.Post, $"{Path}?organization_id={organization}", $$"""{"secret_name":{{json}},"secret_value":{{json}}}"""));
        answers.Add(await admin.GetAsync($"{Vault.Path}/{url}"));
        answers.Add((await admin.DeleteAliasAsync("marked")).MustBeDone());
        answers.Add((await admin.GetAsync("/api/v1/audit?limit=1000")).MustBe(200));
        return answers;
    }

    private static void AssertHoldsNone(IEnumerable<string> forms, string text, string shown)
    {
        if (forms.Any(form => text.Contains(form, StringComparison.Ordinal)))
        {
            Assert.Fail($"found the marked value in: {shown}");
        }
    }
}
