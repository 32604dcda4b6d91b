using System.Collections.ObjectModel;
using Secrets.Domain.Text;

namespace Secrets.Application.Common;

/// <summary>Rules that validators share. Null passes every rule except <see cref="Required"/>.</summary>
internal static class Rules
{
    /// <summary>The error for a text that others could not repeat exactly.</summary>
    public const string InexactText = "Must not begin or end with white space, nor contain control characters.";

    public static void Text<T>(this IRuleBuilder<T, string?> rule, TextLength length) =>
        rule.Custom((text, context) => context.CheckText(text, length));

    public static void Text<T>(this IRuleBuilder<T, Optional<string>> rule, TextLength length) =>
        rule.Custom((text, context) => context.CheckText(text.Value, length));

    /// <summary>A name: not only white space.</summary>
    public static void Name<T>(this IRuleBuilder<T, string?> rule, TextLength length) =>
        rule.Custom((text, context) => context.CheckName(text, length));

    public static void Name<T>(this IRuleBuilder<T, Optional<string>> rule, TextLength length) =>
        rule.Custom((text, context) => context.CheckName(text.Value, length));

    /// <summary>A stored name that others must repeat exactly (<see cref="ExactText"/>).</summary>
    public static void ExactName<T>(this IRuleBuilder<T, string?> rule, TextLength length) =>
        rule.Custom((text, context) => context.CheckExactName(text, length));

    public static void ExactName<T>(this IRuleBuilder<T, Optional<string>> rule, TextLength length) =>
        rule.Custom((text, context) => context.CheckExactName(text.Value, length));

    /// <summary>The name of a user, in place of the id.</summary>
    public static void UserName<T>(this IRuleBuilder<T, string?> rule) => rule.Custom((text, context) =>
    {
        if (text is not null && ProblemOfUserName(text) is var (code, message))
        {
            context.Add(code, message);
        }
    });

    /// <summary>The error in a user's name; null: none.</summary>
    public static (string Code, string Message)? ProblemOfUserName(string text) =>
        ProblemOf(text, Domain.ApiKeys.UserName.Length) is { } problem ? problem
        : !ExactText.IsClean(text) ? (Codes.BadValue, InexactText)
        : Domain.ApiKeys.UserName.IsUuid(text) ? (Codes.BadValue, "Must not be a uuid. Use user_id with the id that GET /api/v1/me returns for this user.")
        : null;

    /// <summary>A secret's name, or the alias of an organisation's secret.</summary>
    public static void SecretName<T>(this IRuleBuilder<T, string?> rule, Func<T, OwnerKind> owner) =>
        rule.Custom((text, context) =>
        {
            if (owner(context.InstanceToValidate) != OwnerKind.Organization)
            {
                context.CheckName(text, Secret.NameLength);
            }
            else if (context.CheckText(text, Alias.Length) && !Alias.IsPlain(text!))
            {
                context.Add(Codes.BadValue, "Must consist of letters, digits, _ and - only.");
            }
        });

    /// <summary>A list of names with at most <paramref name="most"/> different ones. Duplicates are checked once.</summary>
    public static void Names<T>(this IRuleBuilder<T, IReadOnlyList<string>?> rule, TextLength length, int most) =>
        rule.Custom((names, context) =>
        {
            var seen = new HashSet<string>(StringComparer.Ordinal);
            for (var at = 0; at < names?.Count; at++)
            {
                if (seen.Add(names[at]))
                {
                    if (seen.Count > most)
                    {
                        context.Add(Codes.BadValue, $"Must hold at most {most} different names.");
                        return;
                    }

                    context.CheckName(names[at], length, $"[{at}]");
                }
            }
        });

    /// <summary>
    /// An object of at most <paramref name="most"/> names. The first error is reported for the whole object: its place would repeat a submitted key.
    /// </summary>
    public static void Names<T>(
        this IRuleBuilder<T, IReadOnlyDictionary<string, string>?> rule, TextLength keyLength, TextLength valueLength, int most) =>
        rule.Custom((names, context) =>
        {
            if (names?.Count > most)
            {
                context.Add(Codes.BadValue, $"Must have at most {most} members.");
                return;
            }

            foreach (var (key, value) in names ?? ReadOnlyDictionary<string, string>.Empty)
            {
                if (!context.CheckName(key, keyLength) || !context.CheckName(value, valueLength))
                {
                    return;
                }
            }
        });

    public static void Value<T>(this IRuleBuilder<T, SecretValue?> rule, Func<T, TextLength> length) =>
        rule.Custom((value, context) => context.CheckValue(value, length(context.InstanceToValidate)));

    public static void Value<T>(this IRuleBuilder<T, Optional<SecretValue>> rule, Func<T, TextLength> length) =>
        rule.Custom((value, context) => context.CheckValue(value.Value, length(context.InstanceToValidate)));

    public static void Moment<T>(this IRuleBuilder<T, string?> rule) =>
        rule.Must(text => text is null || Moments.Parse(text) is not null)
            .WithErrorCode(Codes.NotDateTime).WithMessage(Moments.Rule);

    public static void InTheFuture<T>(this IRuleBuilder<T, DateTimeOffset?> rule, TimeProvider time) =>
        rule.Must(moment => moment is null || moment > time.GetUtcNow())
            .WithErrorCode(Codes.BadValue).WithMessage("Must lie in the future.");

    public static IRuleBuilderOptions<T, TProperty> Required<T, TProperty>(this IRuleBuilder<T, TProperty> rule) =>
        rule.NotNull().WithErrorCode(Codes.Missing).WithMessage("Is required.");

    /// <summary>Adds a violation for the rule's member.</summary>
    /// <param name="context">The validation.</param>
    /// <param name="code">See <see cref="Violation.Code"/>.</param>
    /// <param name="message">See <see cref="Violation.Message"/>.</param>
    /// <param name="step">The place in the member, such as <c>[0]</c>.</param>
    public static void Add<T>(this ValidationContext<T> context, string code, string message, string step = "") =>
        context.AddFailure(new FluentValidation.Results.ValidationFailure(context.PropertyPath + step, message) { ErrorCode = code });

    private static void CheckExactName<T>(this ValidationContext<T> context, string? text, TextLength length)
    {
        if (context.CheckName(text, length) && !ExactText.IsClean(text!))
        {
            context.Add(Codes.BadValue, InexactText);
        }
    }

    private static bool CheckName<T>(this ValidationContext<T> context, string? text, TextLength length, string step = "")
    {
        if (!context.CheckText(text, length, step))
        {
            return false;
        }

        var isBlank = string.IsNullOrWhiteSpace(text);
        if (isBlank)
        {
            context.Add(Codes.BadValue, "Must not be blank.", step);
        }

        return !isBlank;
    }

    private static void CheckValue<T>(this ValidationContext<T> context, SecretValue? value, TextLength length)
    {
        if (value is not null)
        {
            using var plaintext = value.Reveal();
            context.Check(ProblemOf(TextLength.Measure(plaintext.Bytes), isStorable: !plaintext.Bytes.Contains((byte)0), length));
        }
    }

    /// <summary>Whether the text is present and valid. Adds a violation for an invalid text.</summary>
    private static bool CheckText<T>(this ValidationContext<T> context, string? text, TextLength length, string step = "") =>
        text is not null && context.Check(ProblemOf(text, length), step);

    private static bool Check<T>(this ValidationContext<T> context, (string Code, string Message)? problem, string step = "")
    {
        if (problem is not var (code, message))
        {
            return true;
        }

        context.Add(code, message, step);
        return false;
    }

    private static (string Code, string Message)? ProblemOf(string text, TextLength length) => ProblemOf(TextLength.Measure(text), TextLength.IsStorable(text), length);

    private static (string Code, string Message)? ProblemOf(int count, bool isStorable, TextLength length) =>
        !isStorable ? (Codes.BadValue, "Must not contain U+0000 or an unpaired surrogate.")
        : count < length.Minimum ? (Codes.TooShort, length.Minimum == 1 ? "Must not be empty." : $"Must have at least {length.Minimum} characters.")
        : count > length.Maximum ? (Codes.TooLong, $"Must have at most {length.Maximum} characters.")
        : null;
}
