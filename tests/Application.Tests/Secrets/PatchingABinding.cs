using Secrets.Application.Common;
using Secrets.Application.Secrets;
using Secrets.Domain.Secrets;

namespace Secrets.Application.Tests;

/// <summary>
/// Tests every combination of omitted, null, stored and new value for the three fields of a binding, on every kind of stored secret.
/// The contract: null clears tool and argument, and means unchanged for the flag. A default needs both after the operation.
/// </summary>
public sealed class PatchingABinding
{
    private static readonly Guid User = new("0198a000-0000-7000-8000-00000000000a");
    private static readonly ToolBinding[] Stored =
    [
        new(null, null, IsDefault: false),
        new("tool", null, IsDefault: false),
        new(null, "arg", IsDefault: false),
        new("tool", "arg", IsDefault: false),
        new("tool", "arg", IsDefault: true),
    ];

    private enum Given
    {
        Omitted,
        Null,
        New,
        Same,
    }

    [Fact]
    public void The_resulting_binding_follows_the_contract()
    {
        var seen = 0;
        foreach (var (stored, tool, arg, flag, flagValue) in Everything())
        {
            var after = Patch(tool, arg, flag, flagValue, stored).BindingAfter(SecretWith(stored));

            Assert.Equal(Afterwards(stored, tool, arg, flag, flagValue), after);
            seen++;
        }

        Assert.Equal(5 * 4 * 4 * 4, seen);
    }

    [Fact]
    public void A_default_is_valid_only_with_tool_and_argument()
    {
        var outcomes = new Dictionary<bool, int>();
        foreach (var (stored, tool, arg, flag, flagValue) in Everything())
        {
            var after = Afterwards(stored, tool, arg, flag, flagValue);
            var expected = !after.IsDefault || (HasText(tool, stored.ToolName) && HasText(arg, stored.ToolArg));

            Assert.Equal(expected, Patch(tool, arg, flag, flagValue, stored).BindingAfter(SecretWith(stored)).IsValid);
            outcomes[expected] = outcomes.GetValueOrDefault(expected) + 1;
        }

        Assert.True(outcomes[true] > 50 && outcomes[false] > 50);
    }

    [Fact]
    public void A_given_value_and_a_clearing_null_are_updates()
    {
        var outcomes = new Dictionary<bool, int>();
        foreach (var (stored, tool, arg, flag, flagValue) in Everything())
        {
            var givesAValue = new[] { tool, arg, flag }.Any(given => given is Given.New or Given.Same);
            var expected = givesAValue || Afterwards(stored, tool, arg, flag, flagValue) != stored;

            Assert.True(
                expected == Patch(tool, arg, flag, flagValue, stored).Changes(SecretWith(stored)),
                $"{stored} with tool {tool}, argument {arg}, flag {flag} {flagValue}");
            outcomes[expected] = outcomes.GetValueOrDefault(expected) + 1;
        }

        Assert.Equal((300, 20), (outcomes[true], outcomes[false]));
    }

    [Fact]
    public void An_empty_patch_changes_nothing()
    {
        foreach (var stored in Stored)
        {
            Assert.False(Nothing.Changes(SecretWith(stored)));
            Assert.False((Nothing with { SecretName = (string?)null, SecretValue = (SecretValue?)null }).Changes(SecretWith(stored)));
            Assert.Equal(stored, Nothing.BindingAfter(SecretWith(stored)));
        }
    }

    [Fact]
    public void A_patch_of_name_or_value_keeps_the_binding()
    {
        foreach (var stored in Stored)
        {
            UpdateSecret[] patches =
            [
                Nothing with { SecretName = "name" },
                Nothing with { SecretName = "other" },
                Nothing with { SecretValue = Values.Of("1234") },
            ];
            Assert.All(patches, patch =>
            {
                Assert.True(patch.Changes(SecretWith(stored)));
                Assert.Equal(stored, patch.BindingAfter(SecretWith(stored)));
            });
        }
    }

    [Fact]
    public void The_text_form_of_a_request_has_no_value()
    {
        var text = (Nothing with { SecretValue = Values.Of("do-not-print") }).ToString();

        Assert.Contains("***", text, StringComparison.Ordinal);
        Assert.DoesNotContain("do-not-print", text, StringComparison.Ordinal);
    }

    private static UpdateSecret Nothing => new(
        SecretSelector.ById(Guid.Empty), default, default, default, default, default, Condition: null);

    private static IEnumerable<(ToolBinding Stored, Given Tool, Given Arg, Given Flag, bool? FlagValue)> Everything() =>
        from stored in Stored
        from tool in Enum.GetValues<Given>()
        from arg in Enum.GetValues<Given>()
        from flag in Enum.GetValues<Given>()
        select (stored, tool, arg, flag, ValueOf(flag, stored));

    private static bool? ValueOf(Given flag, ToolBinding stored) => flag switch
    {
        Given.New => !stored.IsDefault,
        Given.Same => stored.IsDefault,
        _ => null,
    };

    private static ToolBinding Afterwards(ToolBinding stored, Given tool, Given arg, Given flag, bool? flagValue) => new(
        TextAfter(tool, stored.ToolName, "new-tool", "tool"),
        TextAfter(arg, stored.ToolArg, "new-arg", "arg"),
        flag is Given.Omitted or Given.Null ? stored.IsDefault : flagValue!.Value);

    private static string? TextAfter(Given given, string? stored, string replacement, string same) => given switch
    {
        Given.Omitted => stored,
        Given.Null => null,
        Given.New => replacement,
        _ => same,
    };

    private static bool HasText(Given given, string? stored) => given switch
    {
        Given.Omitted => stored is not null,
        Given.Null => false,
        _ => true,
    };

    private static UpdateSecret Patch(Given tool, Given arg, Given flag, bool? flagValue, ToolBinding stored) => Nothing with
    {
        ToolName = tool is Given.Omitted ? default : new Optional<string>(TextAfter(tool, stored.ToolName, "new-tool", "tool")),
        ToolArg = arg is Given.Omitted ? default : new Optional<string>(TextAfter(arg, stored.ToolArg, "new-arg", "arg")),
        IsDefaultForTool = flag is Given.Omitted ? default : new Optional<bool?>(flagValue),
    };

    private static Secret SecretWith(ToolBinding binding) => Secret.Create(
        SecretOwner.User(User), "name", "", binding, WorkspaceAccess.All, User, new DateTimeOffset(2026, 1, 2, 0, 0, 0, TimeSpan.Zero));
}
