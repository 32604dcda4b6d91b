using Secrets.Domain.Text;

namespace Secrets.Domain.Tests;

public sealed class CheckingExactText
{
    [Theory]
    [InlineData("a")]
    [InlineData("two words")]
    [InlineData("é\U0001F511")]
    [InlineData("in\u00A0between")]
    [InlineData("*")]
    public void Text_without_hidden_characters_is_clean(string text) => Assert.True(ExactText.IsClean(text));

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(" a")]
    [InlineData("a ")]
    [InlineData("a\t")]
    [InlineData("a\n")]
    [InlineData("\r\na")]
    [InlineData("\u00A0a")]
    [InlineData("a\u3000")]
    [InlineData("a\u2028")]
    [InlineData("a\nb")]
    [InlineData("a\tb")]
    [InlineData("a\0b")]
    [InlineData("a\u0007")]
    [InlineData("a\u007Fb")]
    [InlineData("a\u0085b")]
    [InlineData("\u009Fa")]
    public void Outer_white_space_and_control_characters_are_not_clean(string text) => Assert.False(ExactText.IsClean(text));
}
