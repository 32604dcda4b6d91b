using FluentValidation.Results;
using Microsoft.Extensions.Options;
using Secrets.Application.Common;
using Secrets.Application.Secrets;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Tests;

public sealed class ValidatingSecrets
{
    private const string Key = "\U0001F511";
    private static readonly CreateSecret Good = new(OwnerSelector.Caller, "name", Values.Of("1234"), "tool", "arg", IsDefaultForTool: true);
    private static readonly CreateSecret Unbound = Good with { ToolName = null, ToolArg = null, IsDefaultForTool = false };
    private static readonly UpdateSecret Nothing = new(SecretSelector.ById(Guid.Empty), default, default, default, default, default, Condition: null);

    public static TheoryData<string, string, int, string?> Limits()
    {
        var data = new TheoryData<string, string, int, string?>();
        foreach (var character in new[] { "a", "\u00E9", Key })
        {
            foreach (var member in new[] { "SecretName", "ToolName", "ToolArg" })
            {
                data.Add(member, character, 1, null);
                data.Add(member, character, 1024, null);
                data.Add(member, character, 1025, Codes.TooLong);
            }

            data.Add("SecretValue", character, 3, Codes.TooShort);
            data.Add("SecretValue", character, 4, null);
            data.Add("SecretValue", character, 1024, null);
            data.Add("SecretValue", character, 1025, Codes.TooLong);
        }

        data.Add("SecretName", "", 0, Codes.TooShort);
        data.Add("ToolName", "", 0, Codes.TooShort);
        data.Add("ToolArg", "", 0, Codes.TooShort);
        data.Add("SecretValue", "", 0, Codes.TooShort);
        return data;
    }

    public static TheoryData<string, string> InvalidTexts()
    {
        var data = new TheoryData<string, string>();
        data.Add("SecretValue", "U+0000"); // A value with an unpaired surrogate cannot be read (HoldingASecretValue).
        foreach (var member in new[] { "SecretName", "ToolName", "ToolArg" })
        {
            data.Add(member, "U+0000");
            data.Add(member, "first half");
            data.Add(member, "second half");
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Limits))]
    public void Lengths_are_counted_in_code_points(string member, string character, int count, string? code)
    {
        var text = string.Concat(Enumerable.Repeat(character, count));

        AssertViolations(Create(member, text), code is null ? [] : [(member, code)]);
        AssertViolations(Update(member, text), code is null ? [] : [(member, code)]);
    }

    [Theory]
    [MemberData(nameof(InvalidTexts))]
    public void Text_that_cannot_be_stored_is_a_bad_value(string member, string kind)
    {
        var text = "abc" + (kind switch { "U+0000" => "\0", "first half" => "\uD83D", _ => "\uDD11" }) + "def";

        AssertViolations(Create(member, text), [(member, Codes.BadValue)]);
        AssertViolations(Update(member, text), [(member, Codes.BadValue)]);
    }

    [Theory]
    [InlineData(" ")]
    [InlineData("\t\r\n")]
    [InlineData("\u00A0\u2003")]
    public void Only_a_value_may_be_blank(string blank)
    {
        foreach (var member in new[] { "SecretName", "ToolName", "ToolArg" })
        {
            AssertViolations(Create(member, blank), [(member, Codes.BadValue)]);
            AssertViolations(Update(member, blank), [(member, Codes.BadValue)]);
        }

        AssertViolations(Create("SecretValue", "    "), []);
        AssertViolations(Update("SecretValue", "    "), []);
    }

    [Theory]
    [InlineData("wsp__* ")]
    [InlineData(" k")]
    [InlineData("k\n")]
    [InlineData("a\tb")]
    [InlineData("a\u007Fb")]
    [InlineData("a\u0085b")]
    [InlineData("\u00A0a")]
    public void Tool_and_argument_refuse_hidden_characters_that_names_and_values_allow(string text)
    {
        foreach (var member in new[] { "ToolName", "ToolArg" })
        {
            AssertViolations(Create(member, text), [(member, Codes.BadValue)]);
            AssertViolations(Update(member, text), [(member, Codes.BadValue)]);
        }

        AssertViolations(Create("SecretName", text), []);
        AssertViolations(Update("SecretName", text), []);
        AssertViolations(Create("SecretValue", $"{text}{text}{text}"), []);
    }

    [Fact]
    public void A_new_secret_needs_only_name_and_value()
    {
        AssertViolations(Validate(Good), []);
        AssertViolations(Validate(Unbound), []);
        AssertViolations(
            Validate(Unbound with { SecretName = null, SecretValue = null }),
            [("SecretName", Codes.Missing), ("SecretValue", Codes.Missing)]);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("tool", null)]
    [InlineData(null, "arg")]
    public void A_new_default_needs_tool_and_argument(string? tool, string? arg)
    {
        AssertViolations(Validate(Good with { ToolName = tool, ToolArg = arg }), [("IsDefaultForTool", Codes.BadValue)]);
        AssertViolations(Validate(Good with { ToolName = tool, ToolArg = arg, IsDefaultForTool = false }), []);
    }

    [Fact]
    public void Every_field_of_an_update_may_be_omitted_or_null()
    {
        AssertViolations(new UpdateSecretValidator(Options.Create(new ValueOptions())).Validate(Nothing), []);
        AssertViolations(
            new UpdateSecretValidator(Options.Create(new ValueOptions())).Validate(Nothing with
            {
                SecretName = (string?)null,
                SecretValue = (SecretValue?)null,
                ToolName = (string?)null,
                ToolArg = (string?)null,
                IsDefaultForTool = (bool?)null,
            }),
            []);
    }

    [Fact]
    public void All_violations_are_reported_and_no_value_repeated()
    {
        const string Submitted = "do-not-repeat";
        var tooLong = string.Concat(Enumerable.Repeat(Submitted, 100));
        var unsound = Submitted + "\0";

        var result = Validate(new CreateSecret(OwnerSelector.Caller, tooLong, Values.Of(unsound), unsound, tooLong, IsDefaultForTool: false));

        AssertViolations(
            result,
            [
                ("SecretName", Codes.TooLong),
                ("SecretValue", Codes.BadValue),
                ("ToolName", Codes.BadValue),
                ("ToolArg", Codes.TooLong),
            ]);
        Assert.All(result.Errors, error => Assert.DoesNotContain(Submitted, error.ErrorMessage, StringComparison.Ordinal));
    }

    private static ValidationResult Create(string member, string text) => Validate(member switch
    {
        "SecretName" => Good with { SecretName = text },
        "SecretValue" => Good with { SecretValue = Values.Of(text) },
        "ToolName" => Good with { ToolName = text },
        _ => Good with { ToolArg = text },
    });

    private static ValidationResult Update(string member, string text) => new UpdateSecretValidator(Options.Create(new ValueOptions())).Validate(member switch
    {
        "SecretName" => Nothing with { SecretName = text },
        "SecretValue" => Nothing with { SecretValue = Values.Of(text) },
        "ToolName" => Nothing with { ToolName = text },
        _ => Nothing with { ToolArg = text },
    });

    private static ValidationResult Validate(CreateSecret request) => new CreateSecretValidator(Options.Create(new ValueOptions())).Validate(request);

    private static void AssertViolations(ValidationResult result, IEnumerable<(string Member, string Code)> expected) =>
        Assert.Equal(expected, result.Errors.Select(error => (error.PropertyName, error.ErrorCode)));
}
