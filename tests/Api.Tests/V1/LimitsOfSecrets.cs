using System.Text.Json.Nodes;
using Secrets.TestKit;

namespace Secrets.Api.Tests.V1;

/// <summary>Length limits of the members, in code points. Stored text is returned unchanged.</summary>
public sealed class LimitsOfSecrets(ApiServer server)
{
    /// <summary>Characters of one UTF-16 unit and one byte, of one unit and three bytes, and of two units and four bytes.</summary>
    private static readonly string[] Characters = ["x", "鍵", "🔑"];

    public static TheoryData<string, string, int, string?> Lengths()
    {
        var data = new TheoryData<string, string, int, string?>();
        foreach (var character in Characters)
        {
            foreach (var member in (string[])["secret_name", "tool_name", "tool_arg"])
            {
                data.Add(member, character, 1, null);
                data.Add(member, character, 1024, null);
                data.Add(member, character, 1025, "string_too_long");
                data.Add(member, character, 2048, "string_too_long");
            }

            data.Add("secret_value", character, 1, "string_too_short");
            data.Add("secret_value", character, 3, "string_too_short");
            data.Add("secret_value", character, 4, null);
            data.Add("secret_value", character, 1024, null);
            data.Add("secret_value", character, 1025, "string_too_long");
        }

        foreach (var member in (string[])["secret_name", "secret_value", "tool_name", "tool_arg"])
        {
            data.Add(member, "", 0, "string_too_short");
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public async Task Length_limits_apply_to_storing_and_changing(string member, string character, int length, string? error)
    {
        using var user = await server.NewUserAsync();
        var text = string.Concat(Enumerable.Repeat(character, length));
        var other = Answers.One(await user.CreateSecretAsync("other"));
        var body = new JsonObject { ["secret_name"] = "n", ["secret_value"] = "some value" };
        body[member] = text;

        var made = await user.PostAsync(Answers.Secrets, body);
        if (error is not null)
        {
            made.MustBeInvalid($"body.{member}: {error}");
            (await user.PatchAsync(other, new JsonObject { [member] = text })).MustBeInvalid($"body.{member}: {error}");
            Assert.Single((await user.GetAsync(Answers.Secrets)).MustBeList());
            return;
        }

        var got = (await user.GetAsync(Answers.One(made.MustBeSecret().Id()))).MustBeSecret();
        (await user.DeleteAsync(Answers.One(got.Id()))).MustBe(200);
        var changed = (await user.PatchAsync(other, new JsonObject { [member] = text })).MustBeSecret();
        if (member is not "secret_value")
        {
            Assert.Equal(text, got.Text(member));
            Assert.Equal(text, changed.Text(member));
        }
    }

    [Fact]
    public async Task All_members_can_have_their_maximum_length_together()
    {
        using var user = await server.NewUserAsync();
        var longest = string.Concat(Enumerable.Repeat("🔑", 1024));

        var secret = (await user.PostAsync(Answers.Secrets, new JsonObject
        {
            ["secret_name"] = longest,
            ["secret_value"] = longest,
            ["tool_name"] = longest,
            ["tool_arg"] = longest,
            ["is_default_for_tool"] = true,
        })).MustBeSecret();

        Assert.Equal(longest, secret.Text("secret_name"));
        Assert.Equal("🔑🔑🔑🔑...🔑🔑🔑🔑", secret.Text("display"));
        Assert.Equal(longest, secret.Text("tool_name"));
        Assert.Equal(longest, secret.Text("tool_arg"));
        Assert.True(JsonNode.DeepEquals(secret, (await user.GetAsync(Answers.One(secret.Id()))).MustBeSecret()));
    }

    [Theory]
    [InlineData("🔑")]
    [InlineData("👩‍👩‍👧‍👦")]
    [InlineData("🇩🇪")]
    [InlineData("مفتاح سري")]
    [InlineData("\u202Eright to left override")]
    [InlineData("\u200F")]
    [InlineData("\u200B")]
    [InlineData("\"quoted\" 'and' `ticked`")]
    [InlineData("back\\slash \\u0041 \\")]
    [InlineData("<script>alert(1)</script>")]
    [InlineData("&amp; &lt; %41 %00 + ?a=b#c")]
    [InlineData("line\nbreak\r\n\ttab")]
    [InlineData("\u0001\u001F\u007F\u0085")]
    [InlineData("  blanks before and behind  ")]
    [InlineData("\u00A0x\u3000")]
    [InlineData("line\u2028and paragraph\u2029separator")]
    [InlineData("cafe\u0301")]
    [InlineData("caf\u00E9")]
    [InlineData("\uFEFFbyte order mark")]
    [InlineData("not a character \uFFFE\uFFFF")]
    [InlineData("replacement \uFFFD")]
    [InlineData("last \U0010FFFF")]
    [InlineData("İstanbul ıI ß ſ K")]
    [InlineData("'; DROP TABLE secrets; --")]
    [InlineData("${jndi:ldap://x} {{7*7}} {0} %s %n")]
    [InlineData("null")]
    [InlineData("*")]
    [InlineData("../../etc/passwd")]
    public async Task Odd_but_legal_text_is_returned_unchanged(string text)
    {
        using var user = await server.NewUserAsync();

        // Tool and argument must not contain hidden characters.
        var tool = text.Any(char.IsControl) || text.Trim() != text ? "tool" : text;

        var made = (await user.PostAsync(Answers.Secrets, new JsonObject
        {
            ["secret_name"] = text,
            ["secret_value"] = $"{text} and more",
            ["tool_name"] = tool,
            ["tool_arg"] = tool,
            ["is_default_for_tool"] = true,
        })).MustBeSecret();
        var byName = (await user.GetAsync($"{Answers.Secrets}?secret_name={Uri.EscapeDataString(text)}")).MustBeList();
        var byTool = (await user.GetAsync($"{Answers.Secrets}?tool_name={Uri.EscapeDataString(tool)}")).MustBeList();
        var kept = (await user.PatchAsync(Answers.One(made.Id()), new JsonObject { ["secret_name"] = text, ["tool_name"] = tool })).MustBeSecret();

        foreach (var secret in (JsonObject[])[made, Assert.Single(byName), Assert.Single(byTool), kept])
        {
            Assert.Equal(made.Id(), secret.Id());
            Assert.Equal(text, secret.Text("secret_name"));
            Assert.Equal(tool, secret.Text("tool_name"));
            Assert.Equal(tool, secret.Text("tool_arg"));
        }
    }

    [Fact]
    public async Task An_escaped_pair_of_surrogates_is_one_character()
    {
        using var user = await server.NewUserAsync();

        var secret = (await user.SendAsync(
            HttpMethod.Post, Answers.Secrets, """{"secret_name": "\ud83d\udd11", "secret_value": "\ud83d\udd11abc"}""")).MustBeSecret();

        Assert.Equal("🔑", secret.Text("secret_name"));
    }

    /// <summary>Lengths at which the mask changes. The mask never reveals the length.</summary>
    [Theory]
    [InlineData(4, "****")]
    [InlineData(5, "A...Z")]
    [InlineData(11, "A...Z")]
    [InlineData(12, "AB...YZ")]
    [InlineData(23, "AB...YZ")]
    [InlineData(24, "ABCD...WXYZ")]
    [InlineData(1024, "ABCD...WXYZ")]
    public async Task Display_shows_part_of_the_value(int length, string display)
    {
        using var user = await server.NewUserAsync();
        var value = Masked(length, "ABCD", "WXYZ", "-");

        var made = (await user.PostAsync(Answers.Secrets, new JsonObject { ["secret_name"] = "n", ["secret_value"] = value })).MustBeSecret();
        var other = await user.CreateSecretAsync("other", "another value altogether");
        var changed = (await user.PatchAsync(Answers.One(other), new JsonObject { ["secret_value"] = value })).MustBeSecret();

        Assert.Equal(display, made.Text("display"));
        Assert.Equal(display, changed.Text("display"));
        Assert.All((await user.GetAsync(Answers.Secrets)).MustBeList(), secret => Assert.Equal(display, secret.Text("display")));
    }

    [Theory]
    [InlineData(4, "****")]
    [InlineData(5, "😀...🤣")]
    [InlineData(12, "😀😁...😅🤣")]
    [InlineData(24, "😀😁😂😃...😄😆😅🤣")]
    public async Task Display_counts_code_points(int length, string display)
    {
        using var user = await server.NewUserAsync();
        var value = Masked(length, "😀😁😂😃", "😄😆😅🤣", "🔑");

        var secret = (await user.PostAsync(Answers.Secrets, new JsonObject { ["secret_name"] = "n", ["secret_value"] = value })).MustBeSecret();

        Assert.Equal(display, secret.Text("display"));
    }

    /// <summary>A value of <paramref name="length"/> code points with the given start and end, shortened if necessary.</summary>
    private static string Masked(int length, string first, string last, string filler)
    {
        var shown = length >= 8 ? 4 : length / 2;
        var head = first.EnumerateRunes().Take(shown).Select(rune => rune.ToString());
        var tail = last.EnumerateRunes().TakeLast(shown).Select(rune => rune.ToString());
        return string.Concat([.. head, .. Enumerable.Repeat(filler, length - (2 * shown)), .. tail]);
    }
}
