using System.Diagnostics;
using System.Text.RegularExpressions;
using Secrets.TestKit;
using Secrets.TestKit.Tokens;

namespace Secrets.Api.Tests.Running;

/// <summary>
/// Pastes the blocks of the documents into a shell, as a newcomer does. The shell is interactive and reads the blocks from its standard input: there a
/// command that reads standard input swallows the lines behind it, and zsh takes a comment for a command.
/// </summary>
public sealed partial class PastingTheDocuments
{
    private const string Readme = "README.md";
    private const string Integration = "docs/integrate.md";
    private const string LastLine = "every line was read";

    // What interactive shells print on standard error where there is no terminal.
    private static readonly string[] WithoutTerminal = ["bash: cannot set terminal process group", "bash: no job control in this shell", "exit"];

    [Theory]
    [InlineData("bash", Readme)]
    [InlineData("zsh", Readme)]
    [InlineData("bash", Integration)]
    [InlineData("zsh", Integration)]
    public async Task Every_block_does_what_it_says(string shell, string document)
    {
        // setsid: an interactive shell would otherwise take the terminal of the test run.
        Tools.SkipUnlessFound(shell, "curl", "setsid");
        await using var server = ApiServer.With();
        await server.InitializeAsync();
        using var client = server.Anonymous();
        // The documents ask once. A slow server's first connections take longer than that check may.
        await client.UntilReadyIsAsync(200, seconds: 60);
        using var folder = new Scratch();
        Directory.CreateDirectory(Path.Combine(folder.Folder, ".data"));
        await folder.WriteAsync(".data/api-key", $"{ApiServer.BootstrapKey}\n");
        var token = Token.Sign(server.Issuer.Key, server.Issuer.Claims("ada@example.com"));

        // The service runs already, and the token of the SDK's tool comes from the test's own issuer.
        var blocks = BlocksOf(document).Where(block => !block.Contains("dotnet ", StringComparison.Ordinal)).Append($"echo '{LastLine}'\n");
        var text = string.Concat(blocks).Replace("http://127.0.0.1:5080", server.Address.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal);
        var (output, errors) = await PasteAsync(shell, folder.Folder, text, token);

        Assert.Empty(errors);
        Assert.EndsWith($"{LastLine}\n", output, StringComparison.Ordinal);
        Assert.DoesNotMatch(Refusal(), output);
        Assert.All(ExpectedOf(document), part => Assert.Contains(part, output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Readme)]
    [InlineData(Integration)]
    public void No_block_has_a_line_that_interactive_shells_read_otherwise(string document) => Assert.All(BlocksOf(document), block =>
    {
        Assert.DoesNotMatch(@"(?m)(^|\s)#", block); // a comment: zsh runs it
        Assert.DoesNotContain('!', block); // a search in the history
        Assert.DoesNotContain('\t', block); // completion
        Assert.DoesNotMatch(@"(?m)(^|[;&|(])\s*read\b", block); // swallows the next line; `read -p` is something else in zsh
    });

    private static string[] ExpectedOf(string document) => document == Readme
        ?
        [
            "\"display\":\"lin_...4a51\"", "\"tool_name\":\"agno__linear__get_*\"", "\"secret_value\":\"lin_api_4f9c2f0d6b7e4a51\"",
            "\"missing\":[{\"tool_arg\":\"base_url\",\"reason\":\"no_default\"}]", "\"winner\":{", "\"secret_value\":\"lin_api_0b8e6a2d4c1f7395\"",
        ]
        :
        [
            "\"role\":\"admin\"", "\"secret_value\":\"notion-9a1c7e0b2d3f4c68\"", "\"agent_id\":\"support-bot\"", "\"reason\":\"no_default\"", "\"reason\":\"reference_unavailable\"",
            "\"candidates\":", "\"secret_value\":\"sk-proj-7d1f0b5c9e2a\"", "\"secret_name\":\"linear-shared\"", "\"secret_name\":\"Notion\",\"display\":\"no...68\"",
        ];

    private static string[] BlocksOf(string document)
    {
        var blocks = ShellBlock().Matches(File.ReadAllText(Path.Combine(Repository.Root, document))).Select(match => match.Groups["code"].Value).ToArray();
        Assert.True(blocks.Length >= 8, $"{document} has only {blocks.Length} blocks");
        return blocks;
    }

    private static async Task<(string Output, string[] Errors)> PasteAsync(string shell, string folder, string text, string token)
    {
        var start = new ProcessStartInfo("setsid", ["--wait", shell, .. shell == "zsh" ? (string[])["-f", "-i", "-o", "no_prompt_sp", "-o", "no_prompt_cr"] : ["--norc", "--noprofile", "--noediting", "-i"]])
        {
            UseShellExecute = false,
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["HOME"] = folder, ["PS1"] = "", ["PS2"] = "", ["PROMPT"] = "", ["PROMPT2"] = "", ["HISTFILE"] = null, ["TERM"] = "dumb", ["TOKEN"] = token },
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(text);
        process.StandardInput.Close();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (await output, [.. (await errors).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !WithoutTerminal.Any(known => line.StartsWith(known, StringComparison.Ordinal)))]);
    }

    [GeneratedRegex("^```sh\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex ShellBlock();

    [GeneratedRegex("""^\{"(detail|message)":""", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Refusal();
}
