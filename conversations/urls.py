from django.urls import path

from conversations.views import clips, history, talk

urlpatterns = [
    path("", talk.show_home, name="home"),
    path("talk/", talk.show_talk, name="talk"),
    path("conversations/", history.list_conversations, name="history"),
    path("conversations/<slug:public_id>/", history.show_conversation, name="conversation"),
    path("conversations/<slug:public_id>/rename/", history.rename_conversation, name="conversation_rename"),
    path("conversations/<slug:public_id>/delete/", history.delete_conversation, name="conversation_delete"),
    path("clips/<int:item_id>.ogg", clips.show_clip, name="clip"),
]
