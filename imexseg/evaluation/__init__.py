"""How good a network is: scores from one confusion matrix, under noise, under attack."""
