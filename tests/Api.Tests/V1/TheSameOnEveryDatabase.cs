using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Secrets.Domain.Secrets;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>
/// The same operations give the same answers on every database. The file beside this one has the answers of PostgreSQL, one a line. Ids and
/// timestamps are replaced by the order of their first appearance. After a change of the contract, run this test once with
/// <c>SECRETS_RECORD_ANSWERS=1</c> and review the diff.
/// </summary>
public sealed partial class TheSameOnEveryDatabase(ApiServer server)
{
    private const int Seed = 20_261_121;
    private const int Operations = 300;

    // Different names that some databases treat as equal: case, accents, width, trailing spaces, characters outside of the basic plane.
    private static readonly string[] Names =
        ["a", "A", "a ", "a  ", " a", "á", "a\u0301", "ａ", "ß", "ss", "ı", "i", "🔑", "🔒", "\uE000", "æ", "ae", "a\u200B", "a'", "a_", "a%"];

    private static readonly string[] Tools = ["tool", "Tool", "tool ", "tool*", "*", "t*l", "tööl*", "🔑*", "**", "tool__*", "TOOL*"];

    private readonly Random _random = new(Seed);
    private readonly StringBuilder _record = new();
    private readonly Dictionary<string, string> _labels = new(StringComparer.Ordinal);

    [Fact]
    public async Task Answers_match_the_recorded_ones()
    {
        var users = new List<ApiClient>();
        for (var at = 0; at < 3; at++)
        {
            users.Add(await server.NewUserAsync("secrets:read", "secrets:write", "secrets:resolve", "audit:read", "keys:manage"));
        }

        var ids = users.ConvertAll(_ => new List<Guid>());
        for (var at = 0; at < Operations; at++)
        {
            var who = _random.Next(users.Count);
            await OperateAsync(users[who], ids[who]);
        }

        await AskOrganizationsAsync();
        foreach (var user in users)
        {
            await ListAllAsync(user);
            user.Dispose();
        }

        await CompareAsync();
    }

    private async Task OperateAsync(ApiClient user, List<Guid> ids)
    {
        var id = ids.Count > 0 ? ids[_random.Next(ids.Count)] : Guid.Empty;
        switch (_random.Next(10))
        {
            case < 4:
                var made = await user.PostAsync(Answers.Secrets, Body());
                Write(made);
                if (made.Status == 200)
                {
                    ids.Add(made.Json["secret_id"]!.GetValue<Guid>());
                }

                break;
            case < 6:
                var patch = Body();
                foreach (var member in patch.Select(member => member.Key).Where(_ => _random.Next(2) == 0).ToList())
                {
                    patch.Remove(member);
                }

                Write(await user.PatchAsync(Answers.One(id), patch));
                break;
            case 6:
                Write(await user.DeleteAsync(Answers.One(id)));
                break;
            case 7:
                Write(await user.GetAsync($"{Answers.Secrets}?secret_name={Uri.EscapeDataString(Pick(Names))}"));
                break;
            case 8:
                Write(await user.GetAsync($"{Answers.Secrets}?tool_name={Uri.EscapeDataString(Pick(Tools).Replace('*', 'x'))}&limit=3"));
                break;
            default:
                Write(await user.AskAsync($"{Answers.Secrets}/resolve", new JsonObject
                {
                    ["tool_name"] = Pick(Tools).Replace('*', 'x'),
                    ["tool_args"] = _random.Next(2) == 0 ? null : new JsonArray(Pick(Names), Pick(Names)),
                    ["references"] = _random.Next(2) == 0 ? null : new JsonObject { ["arg"] = Pick(Names) },
                }));
                break;
        }
    }

    /// <summary>Uses three organisations whose names some databases treat as equal.</summary>
    private async Task AskOrganizationsAsync()
    {
        var name = $"org-{Guid.NewGuid():N}";
        _labels[name] = "organization";
        var userId = Guid.NewGuid();
        foreach (var organization in (string[])[name, $"{name}\u200B", name.ToUpperInvariant()])
        {
            using var key = await server.NewKeyAsync(userId, ["secrets:read", "secrets:resolve", "keys:manage"], organization, "admin");
            if (organization == name)
            {
                await server.StoreAsync(new SecretOwner(OwnerKind.Organization, organization), new NewSecret("shared", "a shared value", "*", "arg", IsDefault: true));
            }

            Write(await key.GetAsync($"/api/v1/usage?organization_id={Uri.EscapeDataString(organization)}"));
            Write(await key.GetAsync("/api/v1/api-keys"));
            Write(await key.AskAsync($"{Answers.Secrets}/resolve", new JsonObject { ["tool_name"] = "t", ["organization_id"] = organization }));
        }
    }

    /// <summary>Lists the secrets and the audit of a user, in pages.</summary>
    private async Task ListAllAsync(ApiClient user)
    {
        foreach (var list in (string[])[Answers.Secrets, "/api/v1/audit"])
        {
            var cursor = "";
            while (cursor is not null)
            {
                var page = await user.GetAsync($"{list}?limit=7{cursor}");
                Write(page);
                cursor = page.MustBe(200).Json["next_cursor"] is { } next ? $"&cursor={next}" : null;
            }
        }

        Write(await user.GetAsync("/api/v1/usage"));
    }

    private JsonObject Body() => new()
    {
        ["secret_name"] = Pick(Names),
        ["secret_value"] = new string('v', _random.Next(4, 1030)),
        ["tool_name"] = _random.Next(4) == 0 ? null : Pick(Tools),
        ["tool_arg"] = _random.Next(4) == 0 ? null : Pick(Names),
        ["is_default_for_tool"] = _random.Next(3) > 0,
    };

    private string Pick(string[] among) => among[_random.Next(among.Length)];

    private void Write(Answer answer)
    {
        var line = $"{answer.Method} {answer.Path} {answer.Status} {answer.Body}";
        foreach (var (name, label) in _labels.Where(label => label.Value == "organization").ToList())
        {
            line = line.Replace(name, label, StringComparison.Ordinal).Replace(name.ToUpperInvariant(), "ORGANIZATION", StringComparison.Ordinal);
        }

        line = Key().Replace(line, "<key>");
        line = Hash().Replace(line, "<hash>");
        line = Cursor().Replace(line, "<cursor>");
        line = Request().Replace(line, "\"request_id\":\"<request>\"");
        line = Sequence().Replace(line, "\"sequence\":<n>");
        line = OwnerVersion().Replace(line, "\"owner_version\":<n>");
        line = Writer().Replace(line, "\"writer\":\"<writer>\"");
        line = UseCounts().Replace(line, "");
        line = AuditTimes().Replace(line, "\"at\":\"<at>\"");
        line = Moment().Replace(line, match => LabelOf(match.Value, "moment"));
        line = Uuid().Replace(line, match => LabelOf(match.Value, "id"));
        line = Value().Replace(line, match => $"<{match.Length} v>");
        _record.Append(line).Append('\n');
    }

    private string LabelOf(string text, string kind)
    {
        if (!_labels.TryGetValue(text, out var label))
        {
            _labels[text] = label = $"<{kind} {_labels.Values.Count(other => other.StartsWith($"<{kind} ", StringComparison.Ordinal)) + 1}>";
        }

        return label;
    }

    private async Task CompareAsync()
    {
        var file = Path.Combine(Repository.Root, "tests", "Api.Tests", "V1", "TheSameOnEveryDatabase.txt");
        if (Environment.GetEnvironmentVariable("SECRETS_RECORD_ANSWERS") == "1")
        {
            await File.WriteAllTextAsync(file, _record.ToString());
            return;
        }

        var (recorded, now) = ((await File.ReadAllTextAsync(file)).ReplaceLineEndings("\n").Split('\n'), _record.ToString().Split('\n'));
        for (var at = 0; at < Math.Min(recorded.Length, now.Length); at++)
        {
            Assert.True(recorded[at] == now[at], $"answer {at + 1}\n  was {recorded[at]}\n  is  {now[at]}");
        }

        Assert.Equal(recorded.Length, now.Length);
    }

    [GeneratedRegex("secsvc_[0-9A-Za-z]{10,}")]
    private static partial Regex Key();

    [GeneratedRegex("\\b[0-9a-f]{64}\\b")]
    private static partial Regex Hash();

    [GeneratedRegex("(?<=next_cursor\":\"|cursor=)[-\\w]+")]
    private static partial Regex Cursor();

    [GeneratedRegex("\"request_id\":\"[^\"]*\"")]
    private static partial Regex Request();

    [GeneratedRegex("\"writer\":\"[^\"]*\"")]
    private static partial Regex Writer();

    // Rows of one request may have the same microsecond or not.
    [GeneratedRegex("\"at\":\"[^\"]*\"")]
    private static partial Regex AuditTimes();

    // These members are updated seconds later.
    [GeneratedRegex(",\"(last_used_at|last_resolved_at|use_count)\":[^,}]+")]
    private static partial Regex UseCounts();

    [GeneratedRegex("\"sequence\":[0-9]+")]
    private static partial Regex Sequence();

    // Contains the time.
    [GeneratedRegex("\"owner_version\":[0-9]+")]
    private static partial Regex OwnerVersion();

    [GeneratedRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")]
    private static partial Regex Moment();

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex Uuid();

    [GeneratedRegex("v{4,}")]
    private static partial Regex Value();
}
