using FluentValidation;
using Secrets.Domain.Secrets;
using Secrets.Domain.Text;

namespace Secrets.Application.Common;

/// <summary>Rules that validators share. A null passes: whether a member may be absent is a rule of its own.</summary>
internal static class Rules
{
    public static void Text<T>(this IRuleBuilder<T, string?> rule, TextLength length) =>
        rule.Custom((text, context) => context.CheckText(text, length));

    /// <summary>A text that people will have to recognise: white space alone is no name.</summary>
    public static void Name<T>(this IRuleBuilder<T, string?> rule, TextLength length) =>
        rule.Custom((text, context) => context.CheckName(text, length));

    public static void Name<T>(this IRuleBuilder<T, Optional<string>> rule, TextLength length) =>
        rule.Custom((text, context) => context.CheckName(text.Value, length));

    public static void Value<T>(this IRuleBuilder<T, SecretValue?> rule, TextLength length) =>
        rule.Custom((value, context) => context.CheckText(value?.Reveal(), length));

    public static void Value<T>(this IRuleBuilder<T, Optional<SecretValue>> rule, TextLength length) =>
        rule.Custom((value, context) => context.CheckText(value.Value?.Reveal(), length));

    public static void Moment<T>(this IRuleBuilder<T, string?> rule) =>
        rule.Must(text => text is null || Moments.Parse(text) is not null)
            .WithErrorCode(Codes.NotDateTime).WithMessage("Must be a moment in RFC 3339, with its offset.");

    public static IRuleBuilderOptions<T, TProperty> Required<T, TProperty>(this IRuleBuilder<T, TProperty> rule) =>
        rule.NotNull().WithErrorCode(Codes.Missing).WithMessage("Is required.");

    /// <summary>Adds a violation for the member that the rule is about.</summary>
    public static void Add<T>(this ValidationContext<T> context, string code, string message) =>
        context.AddFailure(new FluentValidation.Results.ValidationFailure(context.PropertyPath, message) { ErrorCode = code });

    private static void CheckName<T>(this ValidationContext<T> context, string? text, TextLength length)
    {
        if (context.CheckText(text, length) && string.IsNullOrWhiteSpace(text))
        {
            context.Add(Codes.BadValue, "Must not be blank.");
        }
    }

    /// <summary>Whether there is a text and it is sound; a violation is added when it is not.</summary>
    private static bool CheckText<T>(this ValidationContext<T> context, string? text, TextLength length)
    {
        if (text is null)
        {
            return false;
        }

        var count = TextLength.Of(text);
        var (code, message) = (count, TextLength.IsStorable(text)) switch
        {
            (_, false) => (Codes.BadValue, "Must not contain U+0000 or an unpaired surrogate."),
            _ when count < length.Minimum => (Codes.TooShort, length.Minimum == 1 ? "Must not be empty." : $"Must have at least {length.Minimum} characters."),
            _ when count > length.Maximum => (Codes.TooLong, $"Must have at most {length.Maximum} characters."),
            _ => (null, null),
        };
        if (code is null || message is null)
        {
            return true;
        }

        context.Add(code, message);
        return false;
    }
}
