using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Secrets.TestKit;
using Secrets.TestKit.Tokens;

namespace Secrets.Api.Tests.Running;

/// <summary>requests/*.http, sent from top to bottom as an editor sends them. A title that ends with a status, such as ": 403", says what to expect; otherwise it is a success.</summary>
public sealed partial class SendingTheRequests
{
    public static TheoryData<string> Files => [.. Directory.GetFiles(Folder, "*.http").Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];

    private static string Folder => Path.Combine(Repository.Root, "requests");

    [Theory]
    [MemberData(nameof(Files))]
    public async Task A_file_alone_works_on_a_service_that_is_just_installed(string name)
    {
        await using var server = await StartAsync();

        await SendAsync(server, name);
    }

    [Fact]
    public async Task All_files_work_in_order_and_once_more()
    {
        await using var server = await StartAsync();
        var names = Files.Select(row => row.Data).ToList();
        Assert.True(names.Count >= 7, $"only {names.Count} files");

        foreach (var name in names.Concat(names))
        {
            await SendAsync(server, name);
        }
    }

    private static async Task<ApiServer> StartAsync()
    {
        var server = ApiServer.With();
        await server.InitializeAsync();
        return server;
    }

    private static async Task SendAsync(ApiServer server, string name)
    {
        using var client = server.Anonymous();
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        var answers = new Dictionary<string, JsonNode>(StringComparer.Ordinal);
        var sections = Separator().Split("\n" + await File.ReadAllTextAsync(Path.Combine(Folder, name)));
        foreach (Match variable in Variable().Matches(sections[0]))
        {
            variables[variable.Groups["name"].Value] = variable.Groups["value"].Value;
        }

        Assert.All(variables.Values.Where(value => value.StartsWith("paste-", StringComparison.Ordinal)), value => Assert.DoesNotContain(' ', value));
        variables["host"] = server.Address.GetLeftPart(UriPartial.Authority);
        variables["key"] = ApiServer.BootstrapKey;
        variables["token"] = Token.Sign(server.Issuer.Key, server.Issuer.Claims("ada@example.com"));

        foreach (var section in sections.Skip(1))
        {
            var (title, rest) = Cut(section, "\n");
            var (head, body) = Cut(Placeholder().Replace(Comment().Replace(rest, ""), Value).Trim('\n'), "\n\n");
            var lines = head.Split('\n');
            var (method, url) = Cut(lines[0], " ");
            var headers = lines.Skip(1).Select(line => Cut(line, ": ")).Where(header => header.Item1 != "Content-Type").ToArray();

            var answer = await client.SendAsync(new HttpMethod(method), url, body.Length == 0 ? null : body, headers);

            var expected = ExpectedStatus().Match(title) is { Success: true } match ? int.Parse(match.Value, CultureInfo.InvariantCulture) : 200;
            Assert.True(answer.Status == expected, $"{name}, \"{title.Trim()}\": {answer.Status} {answer.Body}");
            if (RequestName().Match(rest) is { Success: true } named)
            {
                answers[named.Value] = answer.Json;
            }
        }

        string Value(Match match) => match.Groups["request"].Success
            ? answers[match.Groups["request"].Value][match.Groups["member"].Value]!.GetValue<string>()
            : variables[match.Groups["variable"].Value];
    }

    private static (string, string) Cut(string text, string separator) =>
        text.IndexOf(separator, StringComparison.Ordinal) is var at and >= 0 ? (text[..at], text[(at + separator.Length)..]) : (text, "");

    [GeneratedRegex("\n### ")]
    private static partial Regex Separator();

    [GeneratedRegex(@"^@(?<name>\w+) = (?<value>.+)$", RegexOptions.Multiline)]
    private static partial Regex Variable();

    [GeneratedRegex("^#.*\n", RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"\{\{((?<request>\w+)\.response\.body\.(?<member>\w+)|(?<variable>\w+))\}\}", RegexOptions.ExplicitCapture)]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"(?<=: )\d{3}$")]
    private static partial Regex ExpectedStatus();

    [GeneratedRegex(@"(?<=^# @name )\w+$", RegexOptions.Multiline)]
    private static partial Regex RequestName();
}
